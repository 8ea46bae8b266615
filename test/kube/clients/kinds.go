package main

import (
	"bufio"
	"io"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// kind is a kind with an empty object of its Go type.
type kind struct {
	apiVersion string
	kind       schema.GroupVersionKind
	object     runtime.Object
}

// readKinds reads lines of "group/version kind".
func readKinds(in io.Reader) ([]kind, error) {
	if err := apiextensionsv1.AddToScheme(scheme.Scheme); err != nil {
		return nil, err
	}
	var kinds []kind
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		apiVersion, name, _ := strings.Cut(lines.Text(), " ")
		version, err := schema.ParseGroupVersion(apiVersion)
		if err != nil {
			return nil, err
		}
		object, err := scheme.Scheme.New(version.WithKind(name))
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, kind{apiVersion, version.WithKind(name), object})
	}
	return kinds, lines.Err()
}
