#include "tuner/measure/protocol.h"

#include <concepts>
#include <limits>
#include <map>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "tuner/measure/protocol_fields.h"

namespace batchtune::protocol {
namespace {

using Json = nlohmann::json;

template <typename T>
concept Enumeration = std::is_enum_v<T>;
template <typename T>
concept Scalar = std::is_arithmetic_v<T> || std::same_as<T, std::string>;

// ---- writing

struct Writer {
  template <typename T>
  static Json write(const T& object) {  // a type with Fields
    Json result = Json::object();
    Fields<T>::visit(object,
                     [&](const char* name, const auto& member) { result[name] = write(member); });
    return result;
  }
  template <Scalar T>
  static Json write(const T& value) {
    return value;
  }
  template <Enumeration E>
  static Json write(const E& value) {
    return static_cast<int>(value);
  }
  template <typename T>
  static Json write(const std::optional<T>& value) {
    return value ? write(*value) : Json(nullptr);
  }
  template <typename T>
  static Json write(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(write(value));
    return array;
  }
  template <typename A, typename B>
  static Json write(const std::pair<A, B>& pair) {
    return Json::array({write(pair.first), write(pair.second)});
  }
  template <typename T>
  static Json write(const std::map<std::string, T>& values) {
    Json object = Json::object();
    for (const auto& [key, value] : values) object[key] = write(value);
    return object;
  }
  static Json write(const Value& value) {
    return std::visit(
        [](const auto& held) -> Json {
          if constexpr (std::same_as<std::decay_t<decltype(held)>, std::monostate>)
            return nullptr;
          else
            return held;
        },
        value);
  }
};

template <typename Message>
std::string encode_message(const Message& message) {
  return std::visit(
      [](const auto& held) {
        const Json json = {{"is", Fields<std::decay_t<decltype(held)>>::kName},
                           {"of", Writer::write(held)}};
        return json.dump(-1, ' ', false, Json::error_handler_t::replace);
      },
      message);
}

// ---- reading: the first thing wrong is kept, with its path, and everything after it is skipped

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  const std::string& problem() const { return problem_; }

  template <typename T>
  void read(const Json& json, T& object) {  // a type with Fields
    if (!json.is_object()) return complain("an object");
    Fields<T>::visit(object, [&](const char* name, auto& member) {
      if (!problem_.empty()) return;
      const auto found = json.find(name);
      Step step(path_, std::string(".") + name);
      if (found == json.end()) return complain("to be there");
      read(*found, member);
    });
  }
  void read(const Json& json, bool& value) {
    if (!json.is_boolean()) return complain("true or false");
    value = json.get<bool>();
  }
  template <std::integral T>
  void read(const Json& json, T& value) {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<std::uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
    if (!fits) return complain("a whole number in range");
    value = json.get<T>();
  }
  template <std::floating_point T>
  void read(const Json& json, T& value) {
    if (!json.is_number()) return complain("a number");
    value = json.get<T>();
  }
  void read(const Json& json, std::string& value) {
    if (!json.is_string()) return complain("a string");
    value = json.get<std::string>();
  }
  template <Enumeration E>
  void read(const Json& json, E& value) {
    int number = 0;
    read(json, number);
    if (number < 0 || number > static_cast<int>(kLast<E>)) return complain("an enumerator");
    value = static_cast<E>(number);
  }
  template <typename T>
  void read(const Json& json, std::optional<T>& value) {
    value.reset();
    if (!json.is_null()) read(json, value.emplace());
  }
  template <typename T>
  void read(const Json& json, std::vector<T>& values) {
    if (!json.is_array()) return complain("an array");
    values.clear();
    for (const Json& element : json) {
      if (!problem_.empty()) return;
      Step step(path_, "[" + std::to_string(values.size()) + "]");
      read(element, values.emplace_back());
    }
  }
  template <typename A, typename B>
  void read(const Json& json, std::pair<A, B>& pair) {
    if (!json.is_array() || json.size() != 2) return complain("an array of two");
    read(json[0], pair.first);
    read(json[1], pair.second);
  }
  template <typename T>
  void read(const Json& json, std::map<std::string, T>& values) {
    if (!json.is_object()) return complain("an object");
    values.clear();
    for (const auto& [key, value] : json.items()) read(value, values[key]);
  }
  void read(const Json& json, Value& value) {
    if (json.is_null())
      value = std::monostate{};
    else if (json.is_boolean())
      value = json.get<bool>();
    else if (json.is_number_float())
      value = json.get<double>();
    else if (json.is_string())
      value = json.get<std::string>();
    else
      read(json, value.emplace<std::int64_t>());
  }

 private:
  // Lengthens the path while it lives.
  struct Step {
    Step(std::string& whole, const std::string& part) : path(whole), length(whole.size()) {
      path += part;
    }
    ~Step() { path.resize(length); }
    std::string& path;
    std::size_t length;
  };

  void complain(const std::string& wanted) {
    if (problem_.empty()) problem_ = path_ + ": wanted " + wanted;
  }

  std::string path_;
  std::string problem_;
};

// Tries the alternatives of Message from the `index`-th on.
template <typename Message, std::size_t index = 0>
tl::expected<Message, std::string> read_message(const std::string& name, const Json& body) {
  if constexpr (index == std::variant_size_v<Message>) {
    return tl::unexpected("an unknown message \"" + name + "\"");
  } else {
    using Held = std::variant_alternative_t<index, Message>;
    if (name != Fields<Held>::kName) return read_message<Message, index + 1>(name, body);
    Held held;
    Reader reader(name);
    reader.read(body, held);
    if (!reader.problem().empty()) return tl::unexpected(reader.problem());
    return Message(std::move(held));
  }
}

template <typename Message>
tl::expected<Message, std::string> decode_message(std::string_view payload) {
  const Json json = Json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return tl::unexpected(std::string("not a JSON object"));
  const auto name = json.find("is");
  const auto body = json.find("of");
  if (name == json.end() || !name->is_string() || body == json.end())
    return tl::unexpected(std::string("no message name or content"));
  return read_message<Message>(name->get<std::string>(), *body);
}

}  // namespace

std::string encode(const Request& request) {
  return encode_message(request);
}
std::string encode(const Reply& reply) {
  return encode_message(reply);
}
tl::expected<Request, std::string> decode_request(std::string_view payload) {
  return decode_message<Request>(payload);
}
tl::expected<Reply, std::string> decode_reply(std::string_view payload) {
  return decode_message<Reply>(payload);
}

}  // namespace batchtune::protocol
