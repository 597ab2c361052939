// Sizes of blocks. For each chunk the staged rows of A stay in half of L2 while the panels of W
// stream past; a piece of a panel stays in L1 while the tiles of the block use it. Where K is so
// long that few rows would fit, K is cut and the sums of a range of columns wait in L2.
#include <algorithm>

#include "kernels/gemm/multiply.h"

namespace batchtune::kernels {
namespace {

// A core's L2 is 1 MiB or more on servers of today, and 2 MiB on all that have tiles; half of it
// for A, a fifth for waiting sums, the rest for W and C on their way.
constexpr std::int64_t kStagedBytes = 448 * 1024;
constexpr std::int64_t kSumsBytes = 192 * 1024;
constexpr std::int64_t kTimesForTiles = 2;
// A piece of a panel: two thirds of a 48 KiB L1, so that the rows of a tile pass by.
constexpr std::int64_t kPanelPieceBytes = 32 * 1024;
// Rows worth having in hand: W is read from afar once per block, so 128 rows give 64 FLOP per byte
// of f32 weights, enough for any memory; more than 512 gain nothing.
constexpr std::int64_t kFewestRows = 128;
constexpr std::int64_t kMostRows = 512;
// Chunks per lane: enough for lanes of uneven speed, few enough that staging pays.
constexpr std::int64_t kChunksPerLane = 4;
// Below this many multiply-adds (counting the weights' bytes as 16 each) a job takes about 2 us.
constexpr std::int64_t kTinyWork = 1 << 18;

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return divide_up(a, b) * b;
}

std::int64_t staged_budget(const GemmKernel& kernel) {
  return kernel.in_tiles() ? kTimesForTiles * kStagedBytes : kStagedBytes;
}
std::int64_t sums_budget(const GemmKernel& kernel) {
  return kernel.in_tiles() ? kTimesForTiles * kSumsBytes : kSumsBytes;
}

// Near-equal pieces of at most `most`, in multiples of `unit`.
std::int64_t even_piece(std::int64_t total, std::int64_t most, std::int64_t unit) {
  const std::int64_t pieces = divide_up(total, std::max(most, unit));
  return round_up(divide_up(total, std::max<std::int64_t>(pieces, 1)), unit);
}

}  // namespace

std::int64_t most_scratch_bytes(const GemmKernel& kernel, std::int64_t k,
                                std::int64_t whole_stride) {
  // A row of staged A is padded by at most two cache lines and by the rounding of k_stage.
  constexpr std::int64_t kRowPadding = 3 * 64;
  const std::int64_t sums_of_a_panel =
      kMostRows * kernel.nr * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t cut = staged_budget(kernel) + kMostRows * kRowPadding +
                           std::max(sums_budget(kernel), sums_of_a_panel);
  const bool never_cut = k * kernel.staged_bytes() * kFewestRows <= staged_budget(kernel);
  return never_cut ? std::min(cut, kMostRows * whole_stride + sums_of_a_panel) : cut;
}

bool is_tiny(std::int64_t m, std::int64_t n, std::int64_t k) {
  return (m + 16) * n * k < kTinyWork;
}

bool rows_alias(std::int64_t stride) {
  constexpr std::int64_t kPage = 4096;  // sets of L1 repeat after this
  constexpr std::int64_t kNear = 256;   // 14 rows this far apart still spread over sets
  if (stride < kPage - kNear) return false;
  const std::int64_t off = stride % kPage;
  return off < kNear || off > kPage - kNear;
}

Blocking block(const GemmKernel& kernel, std::int64_t m, std::int64_t n, std::int64_t k,
               int lanes) {
  Blocking cut;
  const std::int64_t k_step = kernel.k_per_step(), k_unit = kernel.k_unit();
  const std::int64_t row_unit = kernel.row_unit();
  const std::int64_t element = kernel.staged_bytes();
  const std::int64_t rows_that_fit = staged_budget(kernel) / std::max<std::int64_t>(k * element, 1);
  const std::int64_t wanted = round_up(std::min(m, kFewestRows), row_unit);
  std::int64_t most =
      std::clamp<std::int64_t>(rows_that_fit, std::max<std::int64_t>(wanted, 1), kMostRows);
  // Lanes share M where there is enough of it: rows in hand serve all of N.
  if (lanes > 1 && m > kFewestRows) {
    const std::int64_t share = round_up(divide_up(m, lanes * kChunksPerLane), row_unit);
    most = std::min(most, std::max(kFewestRows, share));
  }
  cut.m_block = even_piece(m, most / row_unit * row_unit, row_unit);
  cut.m_blocks = divide_up(m, cut.m_block);
  const std::int64_t stage_budget =
      std::max<std::int64_t>(staged_budget(kernel) / (cut.m_block * element), k_unit);
  cut.k_stage = k <= stage_budget ? round_up(k, k_unit)
                                  : even_piece(k, stage_budget, std::max(k_unit, 8 * k_step));
  // One tile of rows comes by once: nothing of the panel needs to stay.
  const std::int64_t piece = kPanelPieceBytes / kernel.step_bytes() * k_step;
  cut.k_inner = m <= kernel.mr ? cut.k_stage : even_piece(cut.k_stage, piece, k_unit);

  const std::int64_t panels = kernel.panels(n);
  std::int64_t panels_per_chunk = panels;
  if (cut.k_stage < k) {
    const std::int64_t sums = cut.m_block * kernel.nr * static_cast<std::int64_t>(sizeof(float));
    panels_per_chunk = std::clamp<std::int64_t>(sums_budget(kernel) / sums, 1, panels);
  }
  cut.n_blocks = divide_up(panels, panels_per_chunk);
  if (lanes > 1 && cut.chunks() < lanes * kChunksPerLane) {
    cut.n_blocks =
        std::min(panels, std::max(cut.n_blocks, divide_up(lanes * kChunksPerLane, cut.m_blocks)));
  }
  return cut;
}

}  // namespace batchtune::kernels
