package main

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Types whose JSON is not that of their fields. The server knows each of them by this name.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "microTime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "rawJson",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "rawJson",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "intOrString",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "quantity",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "rawJson",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "schemaOrBool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "schemaOrList",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "schemaOrNames",
}

type messages struct {
	// Lines by the path of a Go package.
	lines map[string][]string
	seen  map[reflect.Type]bool
	// The group and version that a package holds.
	holds map[string]string
}

// writeMessages reads lines of "group/version kind" and writes every message that these kinds consist of.
func writeMessages(in io.Reader, out io.Writer) error {
	kinds, err := readKinds(in)
	if err != nil {
		return err
	}
	found := messages{map[string][]string{}, map[reflect.Type]bool{}, map[string]string{}}
	for _, kind := range kinds {
		root := reflect.TypeOf(kind.object).Elem()
		if root.PkgPath() != reflect.TypeOf(metav1.ObjectMeta{}).PkgPath() {
			found.holds[root.PkgPath()] = kind.apiVersion
		}
		if err := found.add(root); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(found.lines)) {
		fmt.Fprintf(out, "# %s %s\n", shortPath(path), found.holds[path])
		slices.Sort(found.lines[path])
		for _, line := range found.lines[path] {
			fmt.Fprintln(out, line)
		}
	}
	return nil
}

// shortPath is the end of a Go package's path, which tells them apart: core/v1.
func shortPath(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[len(parts)-2:], "/")
}

func (found *messages) add(message reflect.Type) error {
	if found.seen[message] {
		return nil
	}
	found.seen[message] = true
	line := message.Name()
	for i := range message.NumField() {
		field := message.Field(i)
		tag, tagged := field.Tag.Lookup("protobuf")
		if !tagged {
			continue
		}
		number := strings.Split(tag, ",")[1]
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if strings.Contains(options, "inline") {
			name = "..."
		}
		of, err := found.typeOf(message.PkgPath(), field.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", message, field.Name, err)
		}
		// JSON has the zero of such a field: somebody has set it, or it is always there, as a struct is.
		isStruct := field.Type.Kind() == reflect.Struct && of == "intOrString"
		if field.Type.Kind() == reflect.Pointer || isStruct || !strings.Contains(options, "omitempty") {
			of += "?"
		}
		line += fmt.Sprintf(" %s=%s:%s", name, number, of)
	}
	found.lines[message.PkgPath()] = append(found.lines[message.PkgPath()], line)
	return nil
}

// typeOf names the type of a field as the table has it; a message of another package with the path of that package.
func (found *messages) typeOf(from string, of reflect.Type) (string, error) {
	if name, ok := special[of.PkgPath()+"."+of.Name()]; ok {
		if strings.HasPrefix(name, "schema") {
			return name, found.add(reflect.TypeOf(apiextensionsv1.JSONSchemaProps{}))
		}
		return name, nil
	}
	switch of.Kind() {
	case reflect.Pointer:
		return found.typeOf(from, of.Elem())
	case reflect.String:
		return "string", nil
	case reflect.Bool:
		return "bool", nil
	case reflect.Int32, reflect.Int64:
		return "int", nil
	case reflect.Float64:
		return "double", nil
	case reflect.Map:
		// Go names such a list, and its protobuf is a message with one field.
		if of.Elem().Kind() == reflect.Slice && of.Elem().Name() != "" {
			return "{texts}", nil
		}
		element, err := found.typeOf(from, of.Elem())
		return "{" + element + "}", err
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return "bytes", nil
		}
		element, err := found.typeOf(from, of.Elem())
		return "[" + element + "]", err
	case reflect.Struct:
		name := of.Name()
		if of.PkgPath() != from {
			name = shortPath(of.PkgPath()) + "." + name
		}
		return name, found.add(of)
	default:
		return "", fmt.Errorf("%s is not provided for", of)
	}
}
