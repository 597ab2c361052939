#include "kernels/gemm/multiply.h"

#include <algorithm>
#include <cstring>

namespace batchtune::kernels {
namespace {

constexpr std::int64_t kLine = 64;

// The beginning of a lane's scratch: which rows it holds staged.
struct alignas(kLine) Staged {
  std::int64_t row0, k0;
};

std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b * b;
}

// Bytes from staged row to staged row: an odd number of cache lines, so that the rows of a tile
// spread over all sets of L1.
std::int64_t staged_stride(const GemmKernel& kernel, std::int64_t k) {
  return (round_up(k * kernel.staged_bytes(), kLine) / kLine | 1) * kLine;
}

// The part [begin, end) of piece `index` when `total` is cut into `pieces` near-equal ones.
struct Range {
  std::int64_t begin, end;
};
Range piece(std::int64_t total, std::int64_t pieces, std::int64_t index) {
  return {total * index / pieces, total * (index + 1) / pieces};
}

// The same in multiples of `unit`; the last piece, the longest, has what is left of its last unit.
Range piece_in_units(std::int64_t total, std::int64_t unit, std::int64_t pieces,
                     std::int64_t index) {
  const Range units = piece((total + unit - 1) / unit, pieces, index);
  return {units.begin * unit, std::min(total, units.end * unit)};
}

std::int64_t tile_bytes(const GemmKernel& kernel) {
  return std::int64_t{kernel.mr} * kernel.nr * static_cast<std::int64_t>(sizeof(float));
}

// What one chunk works with.
struct Chunk {
  const Product& product;
  const Blocking& blocking;
  Range rows;
  Staged& staged;
  float* ready[2];  // tiles of sums that need no more k, in turn
  std::byte* a_scratch;
  int turn = 0;
  Tile finished{};  // the latest of them, for kernels that finish it during the next one
};

// Brackets the calls of the micro-kernel.
class MicroCalls {
 public:
  MicroCalls(const GemmKernel& kernel, std::int64_t rows) : kernel_(kernel) {
    if (kernel_.begin != nullptr) kernel_.begin(rows);
  }
  ~MicroCalls() {
    if (kernel_.end != nullptr) kernel_.end();
  }
  MicroCalls(const MicroCalls&) = delete;
  MicroCalls& operator=(const MicroCalls&) = delete;

 private:
  const GemmKernel& kernel_;
};

struct RowBlock {
  const std::byte* data;
  std::int64_t stride;
};

// Rows of A for k in [k0, k0 + count), staged unless they can be read in place or are there
// already.
RowBlock rows_in_hand(Chunk& chunk, std::int64_t k0, std::int64_t count) {
  const Product& product = chunk.product;
  const RowSource& source = product.rows;
  const GemmKernel& kernel = *product.kernel;
  if (source.in_place != nullptr) {
    return {
        source.in_place + chunk.rows.begin * source.in_place_stride + k0 * kernel.staged_bytes(),
        source.in_place_stride};
  }
  const std::int64_t stride = staged_stride(kernel, chunk.blocking.k_stage);
  if (chunk.staged.row0 != chunk.rows.begin || chunk.staged.k0 != k0) {
    const std::int64_t rows = chunk.rows.end - chunk.rows.begin;
    source.stage(source.context, kernel, chunk.rows.begin, rows, k0, count, chunk.a_scratch,
                 stride);
    const std::int64_t padding = round_up(count, kernel.k_unit()) - count;
    std::byte* last = chunk.a_scratch + count * kernel.staged_bytes();
    for (std::int64_t row = 0; row < rows && padding != 0; ++row) {
      std::memset(last + row * stride, 0,
                  static_cast<std::size_t>(padding * kernel.staged_bytes()));
    }
    chunk.staged = {chunk.rows.begin, k0};
  }
  return {chunk.a_scratch, stride};
}

// Sums of `rows` rows from `row` on, and what becomes of them.
Tile tile_of(const Product& product, std::int64_t row, int rows, std::int64_t panel,
             const float* sums) {
  const GemmKernel& kernel = *product.kernel;
  const Epilogue& epilogue = product.epilogue;
  const std::int64_t column = panel * kernel.nr;
  const auto size = static_cast<std::int64_t>(bytes_of(epilogue.output));
  Tile tile{};
  tile.sums = sums;
  tile.rows = rows;
  tile.columns = static_cast<int>(std::min<std::int64_t>(kernel.nr, product.n - column));
  tile.scale = epilogue.scale;
  tile.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + column;
  tile.activation = epilogue.activation;
  tile.residual_at = epilogue.residual_at;
  if (epilogue.residual != nullptr) {
    tile.residual = static_cast<const std::byte*>(epilogue.residual) +
                    (row * epilogue.residual_stride + column) * size;
    tile.residual_stride = epilogue.residual_stride * size;
  }
  tile.output = static_cast<std::byte*>(product.c) + (row * product.c_stride + column) * size;
  tile.output_stride = product.c_stride * size;
  tile.stored = epilogue.output;
  return tile;
}

// A piece of a panel, all of which stays in L1 while the tiles of the block use it.
struct PanelPiece {
  std::int64_t panel;
  std::int64_t k_offset, k_count;  // within the k in hand
  bool first, last;                // of all K
  const std::byte* w;
  const std::byte* next;  // the piece that comes after it
};

void multiply_piece(Chunk& chunk, const RowBlock& block, const PanelPiece& piece,
                    float* panel_sums) {
  const Product& product = chunk.product;
  const GemmKernel& kernel = *product.kernel;
  const std::int64_t rows = chunk.rows.end - chunk.rows.begin;
  const std::int64_t tiles = (rows + kernel.mr - 1) / kernel.mr;
  const std::int64_t steps = kernel.steps(piece.k_count);
  MicroCall call{};
  call.steps = steps;
  call.a_stride = block.stride;
  call.w = piece.w;
  call.ahead_bytes = steps * kernel.step_bytes() / tiles;  // each tile fetches its share
  call.finished = &chunk.finished;
  for (std::int64_t index = 0; index < tiles; ++index) {
    const Range tile = piece_in_units(rows, kernel.row_unit(), tiles, index);
    float* own = panel_sums + tile.begin * kernel.nr;  // while it needs more k
    call.rows = static_cast<int>(tile.end - tile.begin);
    call.a = block.data + tile.begin * block.stride + piece.k_offset * kernel.staged_bytes();
    call.add = piece.first ? nullptr : own;
    call.sums = piece.last ? chunk.ready[chunk.turn] : own;
    call.ahead = reinterpret_cast<const char*>(piece.next) + index * call.ahead_bytes;
    kernel.micro[call.rows - 1](call);
    chunk.finished.rows = 0;
    if (!piece.last) continue;
    chunk.finished =
        tile_of(product, chunk.rows.begin + tile.begin, call.rows, piece.panel, call.sums);
    if (kernel.in_tiles()) {
      chunk.turn ^= 1;
    } else {
      kernel.finish(chunk.finished);
    }
  }
}

// All tiles of one panel for k in [k0, k0 + count) of the rows in hand.
void multiply_panel(Chunk& chunk, const RowBlock& block, std::int64_t panel, std::int64_t k0,
                    std::int64_t count, float* panel_sums) {
  const Product& product = chunk.product;
  const GemmKernel& kernel = *product.kernel;
  const auto w_at = [&](std::int64_t of_panel, std::int64_t k) {
    return product.weights +
           (of_panel * kernel.steps(product.k) + k / kernel.k_per_step()) * kernel.step_bytes();
  };
  for (std::int64_t done = 0; done < count; done += chunk.blocking.k_inner) {
    const std::int64_t now = std::min(chunk.blocking.k_inner, count - done);
    PanelPiece piece{};
    piece.panel = panel;
    piece.k_offset = done;
    piece.k_count = now;
    piece.first = k0 + done == 0;
    piece.last = k0 + done + now >= product.k;
    piece.w = w_at(panel, k0 + done);
    piece.next = done + now < count ? w_at(panel, k0 + done + now) : w_at(panel + 1, k0);
    multiply_piece(chunk, block, piece, panel_sums);
  }
}

}  // namespace

std::size_t multiply_workspace_bytes(const GemmKernel& kernel, std::int64_t k) {
  const std::int64_t most = most_scratch_bytes(kernel, k, staged_stride(kernel, k));
  return static_cast<std::size_t>(round_up(most, kLine) + 2 * tile_bytes(kernel)) + sizeof(Staged);
}

void forget_staged(std::byte* scratch) {
  reinterpret_cast<Staged*>(scratch)->row0 = -1;
}

void multiply_chunk(const Product& product, const Blocking& blocking, std::int64_t index,
                    std::byte* scratch) {
  const GemmKernel& kernel = *product.kernel;
  const bool whole_k = blocking.k_stage >= product.k;  // panels are finished one after the other
  const Range rows =
      piece_in_units(product.m, kernel.row_unit(), blocking.m_blocks, index / blocking.n_blocks);
  const Range panels =
      piece(kernel.panels(product.n), blocking.n_blocks, index % blocking.n_blocks);
  std::byte* ready = scratch + sizeof(Staged);
  std::byte* waiting = ready + 2 * tile_bytes(kernel);
  auto* sums = reinterpret_cast<float*>(waiting);
  const std::int64_t panel_sums = (rows.end - rows.begin) * kernel.nr;
  const std::int64_t waiting_sums = panel_sums * (whole_k ? 1 : panels.end - panels.begin);
  Chunk chunk{
      product,
      blocking,
      rows,
      *reinterpret_cast<Staged*>(scratch),
      {reinterpret_cast<float*>(ready), reinterpret_cast<float*>(ready + tile_bytes(kernel))},
      waiting + round_up(waiting_sums * static_cast<std::int64_t>(sizeof(float)), kLine)};
  const MicroCalls calls(kernel, rows.end - rows.begin);
  for (std::int64_t k0 = 0; k0 < product.k; k0 += blocking.k_stage) {
    const std::int64_t count = std::min(blocking.k_stage, product.k - k0);
    const RowBlock block = rows_in_hand(chunk, k0, count);
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      float* own = sums + (whole_k ? 0 : (panel - panels.begin) * panel_sums);
      multiply_panel(chunk, block, panel, k0, count, own);
    }
  }
  if (kernel.in_tiles()) kernel.finish(chunk.finished);
}

void multiply(const Product& product, const Workspace& workspace, Team& team) {
  const bool tiny = is_tiny(product.m, product.n, product.k);
  const Blocking blocking =
      block(*product.kernel, product.m, product.n, product.k, tiny ? 1 : team.lanes());
  for (int lane = 0; lane < team.lanes(); ++lane) forget_staged(workspace.lane(lane));
  team.for_each(
      blocking.chunks(),
      [&](std::int64_t chunk, int lane) {
        multiply_chunk(product, blocking, chunk, workspace.lane(lane));
      },
      tiny ? Grain::tiny : Grain::normal);
}

}  // namespace batchtune::kernels
