// BERT encoders (Devlin et al. 2018): embeddings and layers, without the pooler. Full-length
// sequences, so that no attention mask is needed.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

struct Bert {
  std::int64_t layers, hidden, heads;
};

constexpr std::int64_t kBertVocabulary = 30522;
constexpr std::int64_t kPositions = 512;
constexpr std::int64_t kTokenTypes = 2;
constexpr double kBertEpsilon = 1e-12;

Name layer_norm(ModelBuilder& b, const Name& name, const Name& from) {
  b.plain(OpKind::layer_norm, name, {from});
  b.op().epsilon = kBertEpsilon;
  return name;
}

Name embeddings(ModelBuilder& b, std::int64_t seq, std::int64_t hidden) {
  const Name tokens = b.input("tokens", InputKind::token_ids, {seq}, kBertVocabulary);
  const Name sum = b.plain(OpKind::embedding, "embedding", {tokens});
  b.op().columns = hidden;
  b.op().tables = {kTokenTypes, kPositions};
  return layer_norm(b, "embedding.norm", sum);
}

Name attention(ModelBuilder& b, const Bert& bert, const Name& prefix, const Name& x) {
  const Name query = b.matmul(prefix + "query", x, bert.hidden, biased());
  const Name key = b.matmul(prefix + "key", x, bert.hidden, biased());
  const Name value = b.matmul(prefix + "value", x, bert.hidden, biased());
  const Name scores = b.plain(OpKind::batched_matmul, prefix + "scores", {query, key});
  b.op().groups = bert.heads;
  b.op().transpose_b = true;
  b.op().a_layout = b.op().b_layout = HeadLayout::heads_last;
  const Name weights = b.plain(OpKind::softmax, prefix + "softmax", {scores});
  b.op().scale = 0.125;  // 1 / sqrt(64): both sizes have heads of 64
  const Name context = b.plain(OpKind::batched_matmul, prefix + "context", {weights, value});
  b.op().groups = bert.heads;
  b.op().b_layout = b.op().out_layout = HeadLayout::heads_last;
  return b.matmul(prefix + "attention_output", context, bert.hidden, biased_residual(x));
}

Model build_bert(const Bert& bert, std::string name, std::int64_t seq) {
  ModelBuilder b(std::move(name),
                 "encoder of " + std::to_string(bert.layers) +
                     " layers with embeddings, without pooler (Devlin et al. 2018)");
  Name x = embeddings(b, seq, bert.hidden);
  for (std::int64_t layer = 0; layer < bert.layers; ++layer) {
    const Name prefix = "layer" + std::to_string(layer) + ".";
    x = layer_norm(b, prefix + "attention_norm", attention(b, bert, prefix, x));
    const Name inner =
        b.matmul(prefix + "intermediate", x, 4 * bert.hidden, biased(Activation::gelu));
    x = layer_norm(b, prefix + "output_norm",
                   b.matmul(prefix + "output", inner, bert.hidden, biased_residual(x)));
  }
  return b.finish({{"seq", seq}});
}

}  // namespace

Model build_bert_large(const ZooParameters& parameters) {
  return build_bert({.layers = 24, .hidden = 1024, .heads = 16}, "bert-large",
                    parameters.at("seq"));
}

Model build_bert_base(const ZooParameters& parameters) {
  return build_bert({.layers = 12, .hidden = 768, .heads = 12}, "bert-base", parameters.at("seq"));
}

}  // namespace batchtune
