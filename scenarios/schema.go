package scenarios

import (
	"maps"
	"slices"
)

// Schema is the JSON Schema (draft 7, which editors read) of scenarios. It
// knows fields and forms; what depends on several fields, only [Parse] knows.
func Schema(recipes Recipes) map[string]any {
	s := Fields(recipes).schema()
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "shakedown scenario"
	return s
}

// The patterns of values that are written as text.
const (
	durationPattern = `^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$|^[+-]?0$`
	sizePattern     = `^\d+(\.\d+)?\s*(B|KiB|MiB|GiB|TiB)$`
	ratePattern     = `^\d+(\.\d+)?\s*/\s*(s|m)$`
	sharePattern    = `^\d+(\.\d+)?\s*%$`
	namePattern     = `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
)

// schema is the schema of one field.
func (f Field) schema() map[string]any {
	s := f.formSchema()
	says := f.Says
	if f.Default != "" {
		says += " Default: " + f.Default + "."
	}
	if says != "" {
		s["description"] = says
	}
	return s
}

func (f Field) formSchema() map[string]any {
	scalar := []string{"string", "number", "boolean"}
	text := func(pattern string) map[string]any { return map[string]any{"type": "string", "pattern": pattern} }
	switch f.Form {
	case FormText:
		return map[string]any{"type": scalar}
	case FormName:
		return map[string]any{"type": []string{"string", "integer"}, "pattern": namePattern, "maxLength": maxName}
	case FormVersion:
		return map[string]any{"type": "string"}
	case FormTruth:
		return map[string]any{"type": "boolean"}
	case FormInteger:
		return map[string]any{"type": "integer", "minimum": f.Min, "maximum": f.Max}
	case FormNumber:
		return map[string]any{"type": "number", "minimum": 0}
	case FormDuration:
		return map[string]any{"anyOf": []any{text(durationPattern), map[string]any{"const": 0}}}
	case FormSize:
		return text(sizePattern)
	case FormRate:
		return text(ratePattern)
	case FormShare:
		return text(sharePattern)
	case FormWord:
		return map[string]any{"enum": names(f.Words)}
	case FormList:
		return map[string]any{"type": "array", "items": f.Item.schema()}
	case FormNamed:
		return map[string]any{"type": "object", "additionalProperties": f.Item.schema()}
	case FormMapping:
		return f.mappingSchema()
	case FormEither:
		var forms []any
		for _, c := range f.Fields {
			forms = append(forms, c.schema())
		}
		return map[string]any{"anyOf": forms}
	}
	return map[string]any{}
}

func (f Field) mappingSchema() map[string]any {
	properties := map[string]any{}
	var required []string
	for _, c := range f.Fields {
		properties[c.Name] = c.schema()
		if c.Needed {
			required = append(required, c.Name)
		}
	}
	s := map[string]any{
		"type": "object", "properties": properties, "additionalProperties": false,
		"patternProperties": map[string]any{"^x-": map[string]any{}},
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if f.Kinds != nil {
		s["allOf"] = f.kindSchemas()
	}
	return s
}

// kindSchemas say for each kind which fields may be there.
func (f Field) kindSchemas() []any {
	var all []any
	for _, kind := range slices.Sorted(maps.Keys(f.Kinds)) {
		all = append(all, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"fault": map[string]any{"const": kind}}, "required": []string{"fault"}},
			"then": map[string]any{"propertyNames": map[string]any{"anyOf": []any{map[string]any{"enum": f.Kinds[kind]}, map[string]any{"pattern": "^x-"}}}},
		})
	}
	return all
}
