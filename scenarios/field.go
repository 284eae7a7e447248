package scenarios

// A Form is the kind of value that a field has.
type Form string

// The forms of values.
const (
	FormText     Form = "text"
	FormName     Form = "a name of lower-case letters, digits and dashes"
	FormVersion  Form = "a version, in quotes"
	FormTruth    Form = "true or false"
	FormInteger  Form = "a whole number"
	FormNumber   Form = "a number"
	FormDuration Form = "a duration, as in 10s or 1m30s"
	FormSize     Form = "a size, as in 256MiB"
	FormRate     Form = "a rate, as in 500/s"
	FormShare    Form = "a share, as in 5%"
	FormWord     Form = "one of"
	FormList     Form = "a list"
	FormMapping  Form = "a mapping"
	FormNamed    Form = "a mapping by name"
	FormEither   Form = "either"
	FormAny      Form = "anything"
)

// A Field is a field of a scenario, for readers: what it means and what it can
// be. Whether a value is right in the end, only [Parse] says; a test holds the
// fields to those that it reads.
type Field struct {
	Name string
	// Says is what the field means, in a sentence.
	Says string
	Form Form
	// Default is what holds when the field is left out, in words.
	Default string
	// Needed says that it must be there.
	Needed bool
	// Words are what a FormWord can be.
	Words []Word
	// Min and Max are of a FormInteger.
	Min, Max int
	// Fields are those of a FormMapping, or the forms of a FormEither.
	Fields []Field
	// Item is what a FormList or FormNamed holds.
	Item *Field
	// Kinds are, for a mapping in which the field fault says what others may
	// be there, the fields of each kind.
	Kinds map[string][]string
}

// Walk calls visit for the field and all below it, with their paths:
// "phases[].faults[].target".
func (f Field) Walk(path string, visit func(path string, f Field)) {
	visit(path, f)
	switch f.Form {
	case FormMapping:
		for _, c := range f.Fields {
			below := c.Name
			if path != "" {
				below = path + "." + c.Name
			}
			c.Walk(below, visit)
		}
	case FormEither:
		for _, c := range f.Fields {
			if c.Form == FormMapping || c.Form == FormList {
				c.Walk(path, visit)
			}
		}
	case FormList:
		f.Item.Walk(path+"[]", visit)
	}
}

// field makes one of the usual fields.
func field(name string, form Form, says, byDefault string) Field {
	return Field{Name: name, Form: form, Says: says, Default: byDefault}
}

func needed(f Field) Field {
	f.Needed = true
	return f
}

func integerField(name string, min, max int, says, byDefault string) Field {
	return Field{Name: name, Form: FormInteger, Min: min, Max: max, Says: says, Default: byDefault}
}

func wordField(name string, words []Word, says, byDefault string) Field {
	return Field{Name: name, Form: FormWord, Words: words, Says: says, Default: byDefault}
}

func listField(name string, item Field, says, byDefault string) Field {
	return Field{Name: name, Form: FormList, Item: &item, Says: says, Default: byDefault}
}

func mappingField(name, says, byDefault string, fields ...Field) Field {
	return Field{Name: name, Form: FormMapping, Fields: fields, Says: says, Default: byDefault}
}

func namedField(name string, item Field, says, byDefault string) Field {
	return Field{Name: name, Form: FormNamed, Item: &item, Says: says, Default: byDefault}
}

func eitherField(name, says, byDefault string, forms ...Field) Field {
	return Field{Name: name, Form: FormEither, Fields: forms, Says: says, Default: byDefault}
}
