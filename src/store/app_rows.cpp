#include "store/app_rows.h"

namespace rowseal {

std::string_view ToText(ObstacleWeight weight) noexcept {
  switch (weight) {
    case ObstacleWeight::kNote:
      return "note";
    case ObstacleWeight::kToAccept:
      return "to accept";
    case ObstacleWeight::kRefused:
      return "refused";
  }
  return "note";
}

}  // namespace rowseal
