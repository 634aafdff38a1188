#include "envelope/contexts.h"

#include "envelope/field_writer.h"

namespace rowseal {

FieldWriter WriteContext(const SecretContext& context) {
  FieldWriter fields("rowseal/v1/secret");
  fields.Add(context.installation)
      .Add(context.project)
      .Add(context.secret)
      .Add(context.name)
      .Add(ToText(context.kind))
      .Add(context.version)
      .Add(context.expires_at);
  return fields;
}

Bytes EncodeContext(const SecretContext& context) { return WriteContext(context).Take(); }

Bytes EncodeContext(const ValueContext& context) {
  FieldWriter fields("rowseal/v1/value");
  fields.Add(context.installation)
      .Add(context.project)
      .Add(context.column)
      .Add(ToText(context.kind));
  if (context.kind == ContextKind::kCell) {
    for (const std::string& part : context.row_key) {
      fields.Add(std::string_view(part));
    }
  }
  return fields.Take();
}

Bytes EncodeContext(const DekContext& context) {
  FieldWriter fields("rowseal/v1/dek");
  fields.Add(context.installation)
      .Add(context.project)
      .Add(context.dek)
      .Add(context.purpose)
      .AddByte(static_cast<std::uint8_t>(context.suite))
      .Add(context.check_value)
      .Add(context.kek);
  return fields.Take();
}

Bytes EncodeContext(const KekContext& context) {
  FieldWriter fields("rowseal/v1/kek");
  fields.Add(context.installation)
      .Add(context.kek)
      .Add(context.scope)
      .Add(context.purpose)
      .Add(context.check_value)
      .Add(context.root);
  return fields.Take();
}

}  // namespace rowseal
