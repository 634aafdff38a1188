#include "store/calls/secret_list.h"

#include "store/list_reader.h"

namespace rowseal {

Result<SecretList::Answer> Decode(const SecretList::Request& request, Rows rows) {
  if (static_cast<std::int64_t>(rows.rows.size()) > request.limit) {
    return WrongAnswer(SecretList::kName, {}, "it has more rows than were asked for");
  }
  SecretList::Answer answer;
  answer.last = request.after;
  answer.is_full = static_cast<std::int64_t>(rows.rows.size()) == request.limit;
  for (Row& cells : rows.rows) {
    // A page that does not go forward would be asked for again and again.
    std::string name = TextAt(cells, 0);
    if (answer.last && name <= *answer.last) {
      return WrongAnswer(SecretList::kName, "project '" + request.project.text() + "'",
                         "names are not in their order");
    }
    answer.last = std::move(name);
    std::string named = "secret '" + ShownCell(cells, 0) + "'";
    ROWSEAL_TRY(answer.secrets.Add(std::move(named), ReadListed<SecretList::Row>(cells)));
  }
  return answer;
}

}  // namespace rowseal
