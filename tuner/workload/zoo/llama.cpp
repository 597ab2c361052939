// Llama 3.2 1B, decoding one token per sample against a KV cache. The embedding table is tied to
// the output matrix, so that the looked-up row is the model's input. Rotary embedding (a rotation
// of 2560 values) is left out. The new token's key and value are computed, as the cache needs them,
// but attention reads the `context` cached positions alone.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

constexpr std::int64_t kLayers = 16, kHidden = 2048, kHeads = 32, kKeyValueHeads = 8, kHead = 64;
constexpr std::int64_t kInner = 8192, kLlamaVocabulary = 128256;
constexpr std::int64_t kKeyValueWidth = kKeyValueHeads * kHead;
constexpr double kLlamaEpsilon = 1e-5;

Name rms_norm(ModelBuilder& b, const Name& name, const Name& x) {
  b.plain(OpKind::rms_norm, name, {x});
  b.op().epsilon = kLlamaEpsilon;
  return name;
}

// Grouped queries: the four query heads of one key-value head are the rows of one product.
Name attention(ModelBuilder& b, const Name& prefix, const Name& x, const Name& keys,
               const Name& values) {
  const Name normed = rms_norm(b, prefix + "attention_norm", x);
  const Name query = b.matmul(prefix + "query", normed, kHeads * kHead, {});
  b.matmul(prefix + "key", normed, kKeyValueWidth, {});
  b.matmul(prefix + "value", normed, kKeyValueWidth, {});
  const Name grouped = b.plain(OpKind::reshape, prefix + "query_heads", {query});
  b.op().output = {kKeyValueHeads, kHeads / kKeyValueHeads, kHead};
  const Name scores = b.plain(OpKind::batched_matmul, prefix + "scores", {grouped, keys});
  b.op().groups = kKeyValueHeads;
  b.op().transpose_b = true;
  b.op().b_layout = HeadLayout::heads_last;
  const Name weights = b.plain(OpKind::softmax, prefix + "softmax", {scores});
  b.op().scale = 0.125;  // 1 / sqrt(kHead)
  const Name context = b.plain(OpKind::batched_matmul, prefix + "context", {weights, values});
  b.op().groups = kKeyValueHeads;
  b.op().b_layout = HeadLayout::heads_last;
  const Name joined = b.plain(OpKind::reshape, prefix + "context_row", {context});
  b.op().output = {1, kHeads * kHead};
  return b.matmul(prefix + "attention_output", joined, kHidden, {.residual = x});
}

Name feed_forward(ModelBuilder& b, const Name& prefix, const Name& x) {
  const Name normed = rms_norm(b, prefix + "ffn_norm", x);
  const Name gate = b.matmul(prefix + "gate", normed, kInner, {.activation = Activation::silu});
  const Name up = b.matmul(prefix + "up", normed, kInner, {});
  const Name product = b.plain(OpKind::multiply, prefix + "gated", {gate, up});
  return b.matmul(prefix + "down", product, kHidden, {.residual = x});
}

}  // namespace

Model build_llama_1b_decode(const ZooParameters& parameters) {
  const std::int64_t context = parameters.at("context");
  ModelBuilder b(
      "llama-3.2-1b-decode",
      "one token with a KV cache; tied embedding, rotary embedding left out (Meta 2024)");
  Name x = b.input("token_embedding", InputKind::values, {1, kHidden});
  for (std::int64_t layer = 0; layer < kLayers; ++layer) {
    const Name prefix = "layer" + std::to_string(layer) + ".";
    const Shape cache = {context, kKeyValueWidth};
    const Name keys = b.input(prefix + "key_cache", InputKind::cache, cache);
    const Name values = b.input(prefix + "value_cache", InputKind::cache, cache);
    x = feed_forward(b, prefix, attention(b, prefix, x, keys, values));
  }
  b.matmul("lm_head", rms_norm(b, "norm", x), kLlamaVocabulary, {});
  return b.finish({{"context", context}});
}

}  // namespace batchtune
