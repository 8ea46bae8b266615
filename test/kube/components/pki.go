package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// identity is what a certificate says of its holder: RBAC takes the common name as user, the organization as group.
type identity struct {
	file, user, group string
}

var components = []identity{
	{"admin", "kubernetes-admin", "system:masters"},
	{"apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"},
	{"controller-manager", "system:kube-controller-manager", ""},
	{"scheduler", "system:kube-scheduler", ""},
	{"proxy", "system:kube-proxy", ""},
	{"multus", "multus", ""},
}

// writePKI makes a cluster's keys, certificates and kubeconfigs in a folder.
// Arguments: FOLDER SERVER-ADDRESS[,ALTERNATIVE...] NODE=ADDRESS...
func writePKI(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: pki FOLDER SERVER-ADDRESS[,ALTERNATIVE...] NODE=ADDRESS...")
	}
	names := strings.Split(args[1], ",")
	a, err := newAuthority(args[0], "https://"+net.JoinHostPort(names[0], "6443"))
	if err != nil {
		return err
	}
	names = append(names, "127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
	if _, err := a.issue(identity{"apiserver", "kube-apiserver", ""}, names); err != nil {
		return err
	}
	// Service-account tokens: the API server derives the public half by itself.
	if _, _, err := a.newKey("sa"); err != nil {
		return err
	}
	for _, component := range components {
		if err := a.kubeconfig(component, nil); err != nil {
			return err
		}
	}
	for _, node := range args[2:] {
		name, address, found := strings.Cut(node, "=")
		if !found {
			return fmt.Errorf("%q is not NODE=ADDRESS", node)
		}
		if err := a.kubeconfig(identity{name, "system:node:" + name, "system:nodes"}, []string{name, address}); err != nil {
			return err
		}
	}
	return nil
}

// authority signs the certificates of one cluster.
type authority struct {
	folder, server string
	cert           *x509.Certificate
	key            *ecdsa.PrivateKey
	pem            []byte
	serial         int64
}

func newAuthority(folder, server string) (*authority, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	a := &authority{folder: folder, server: server}
	var err error
	if a.key, _, err = a.newKey("ca"); err != nil {
		return nil, err
	}
	a.cert = &x509.Certificate{
		Subject:               pkix.Name{CommonName: "orbweaver-test"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := a.sign(a.cert, &a.key.PublicKey)
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.pem, err = a.write("ca.crt", "CERTIFICATE", der)
	return a, err
}

// newKey writes a key in SEC 1 form, the one that every component reads service-account keys in.
func (a *authority) newKey(file string) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	text, err := a.write(file+".key", "EC PRIVATE KEY", der)
	return key, text, err
}

func (a *authority) sign(template *x509.Certificate, public *ecdsa.PublicKey) ([]byte, error) {
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(24 * time.Hour)
	return x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
}

func (a *authority) write(file, kind string, der []byte) ([]byte, error) {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return text, os.WriteFile(filepath.Join(a.folder, file), text, 0o600)
}

// credentials are a certificate and its key as PEM.
type credentials struct {
	cert, key []byte
}

// issue makes a certificate that serves clients and servers alike.
func (a *authority) issue(who identity, names []string) (credentials, error) {
	key, keyText, err := a.newKey(who.file)
	if err != nil {
		return credentials{}, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: who.user},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if who.group != "" {
		template.Subject.Organization = []string{who.group}
	}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := a.sign(template, &key.PublicKey)
	if err != nil {
		return credentials{}, err
	}
	certText, err := a.write(who.file+".crt", "CERTIFICATE", der)
	return credentials{certText, keyText}, err
}

func (a *authority) kubeconfig(who identity, names []string) error {
	own, err := a.issue(who, names)
	if err != nil {
		return err
	}
	const name = "orbweaver-test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: a.server, CertificateAuthorityData: a.pem}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: own.cert, ClientKeyData: own.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, filepath.Join(a.folder, who.file+".kubeconfig"))
}
