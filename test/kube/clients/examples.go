package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// example is one object, as a client would send it in either form.
type example struct {
	Name     string `json:"name"`
	Protobuf []byte `json:"protobuf"`
	JSON     []byte `json:"json"`
}

// writeExamples reads kinds and writes, a line each, an empty object of the kind and one in which every field is set.
func writeExamples(in io.Reader, out io.Writer) error {
	kinds, err := readKinds(in)
	if err != nil {
		return err
	}
	encoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	for _, kind := range kinds {
		full := kind.object.DeepCopyObject()
		filler{map[reflect.Type]int{}}.fill(reflect.ValueOf(full).Elem(), "")
		for state, object := range map[string]runtime.Object{"empty": kind.object, "full": full} {
			object.GetObjectKind().SetGroupVersionKind(kind.kind)
			asJSON, err := json.Marshal(object)
			if err != nil {
				return err
			}
			var asProtobuf bytes.Buffer
			if err := encoder.Encode(object, &asProtobuf); err != nil {
				return err
			}
			name := fmt.Sprintf("%s %s, %s", kind.apiVersion, kind.kind.Kind, state)
			if err := json.NewEncoder(out).Encode(example{name, asProtobuf.Bytes(), asJSON}); err != nil {
				return err
			}
		}
	}
	return nil
}

// filled has values for the types whose fields are not to be filled one by one.
func filled(of reflect.Type) (any, bool) {
	now := time.Unix(1_700_000_000, 123_456_000)
	switch reflect.Zero(of).Interface().(type) {
	case metav1.Time:
		return metav1.NewTime(now.Truncate(time.Second)), true
	case metav1.MicroTime:
		return metav1.NewMicroTime(now), true
	case metav1.FieldsV1:
		return metav1.FieldsV1{Raw: []byte(`{"f:data":{".":{}}}`)}, true
	case runtime.RawExtension:
		return runtime.RawExtension{Raw: []byte(`{"a":[1,null]}`)}, true
	case resource.Quantity:
		return resource.MustParse("1500m"), true
	case intstr.IntOrString:
		return intstr.FromString("web"), true
	case apiextensionsv1.JSON:
		return apiextensionsv1.JSON{Raw: []byte(`{"a":[1,null]}`)}, true
	}
	return nil, false
}

// filler sets every field to something of its own.
type filler struct {
	// How often each message contains the one that is being filled.
	inside map[reflect.Type]int
}

func (f filler) fill(value reflect.Value, name string) {
	if set, ok := filled(value.Type()); ok {
		value.Set(reflect.ValueOf(set))
		return
	}
	switch value.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		f.fill(value.Elem(), name)
	case reflect.Struct:
		f.fillStruct(value)
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			value.SetBytes([]byte(name))
			return
		}
		// The second item stays empty.
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		f.fill(value.Index(0), name)
	case reflect.Map:
		element := reflect.New(value.Type().Elem()).Elem()
		f.fill(element, name)
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(reflect.ValueOf(name).Convert(value.Type().Key()), element)
	case reflect.String:
		value.SetString(name)
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int32, reflect.Int64:
		value.SetInt(-int64(len(name)))
	case reflect.Float64:
		value.SetFloat(0.25)
	}
}

func (f filler) fillStruct(value reflect.Value) {
	of := value.Type()
	// A schema contains schemas: those in the second one stay empty.
	if f.inside[of] >= 2 {
		return
	}
	f.inside[of]++
	defer func() { f.inside[of]-- }()
	for i := range of.NumField() {
		if _, tagged := of.Field(i).Tag.Lookup("protobuf"); !tagged {
			continue
		}
		f.fill(value.Field(i), of.Field(i).Name)
	}
	// A schema or a list: never both.
	either := f.inside[reflect.TypeOf(apiextensionsv1.JSONSchemaProps{})] == 1
	switch set := value.Addr().Interface().(type) {
	case *apiextensionsv1.JSONSchemaPropsOrBool:
		if either {
			set.Schema = nil
		}
	case *apiextensionsv1.JSONSchemaPropsOrArray:
		if either {
			set.Schema = nil
		} else {
			set.JSONSchemas = nil
		}
	case *apiextensionsv1.JSONSchemaPropsOrStringArray:
		if either {
			set.Schema = nil
		} else {
			set.Property = nil
		}
	}
}
