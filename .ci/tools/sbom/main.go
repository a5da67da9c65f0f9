// Command sbom writes what a binary of frontdesk is made of, as CycloneDX JSON: the
// Go modules that the binary itself names, and the npm packages of which something
// is in its assets, which are those that package.json has as dependencies. The same
// binary always gives the same bytes: there is no date and no random number.
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	version := flag.String("version", "development", "frontdesk's version")
	lock := flag.String("lock", "static/package-lock.json", "npm's lock file")
	flag.Parse()
	if err := write(os.Stdout, flag.Arg(0), *version, *lock); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, binary, version, lock string) error {
	modules, err := goModules(binary)
	if err != nil {
		return err
	}
	packages, err := npmPackages(lock)
	if err != nil {
		return err
	}
	all := append(modules, packages...)
	slices.SortFunc(all, func(a, b cdx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	var refs []string
	for _, c := range all {
		refs = append(refs, c.BOMRef)
	}
	self := "pkg:generic/frontdesk@" + url.QueryEscape(version)
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: self, Type: cdx.ComponentTypeApplication, Name: "frontdesk", Version: version, PackageURL: self, Licenses: licence("MIT"),
	}}
	bom.Components, bom.Dependencies = &all, &[]cdx.Dependency{{Ref: self, Dependencies: &refs}}
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

// goModules are those that the binary was built from, with Go's own library.
func goModules(binary string) ([]cdx.Component, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	all := []cdx.Component{component("golang", "std", strings.TrimPrefix(info.GoVersion, "go"), nil)}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
		if err != nil {
			return nil, fmt.Errorf("the sum of %s: %w", m.Path, err)
		}
		all = append(all, component("golang", m.Path, m.Version, &cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}))
	}
	return all, nil
}

// npmPackages are those of the lock file that are not for development alone.
func npmPackages(lock string) ([]cdx.Component, error) {
	text, err := os.ReadFile(lock)
	if err != nil {
		return nil, err
	}
	var file struct {
		Packages map[string]struct {
			Version, Integrity, License string
			Dev, Optional, DevOptional  bool
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", lock, err)
	}
	var all []cdx.Component
	for path, p := range file.Packages {
		_, name, installed := strings.Cut(path, "node_modules/")
		if !installed || p.Dev || p.Optional || p.DevOptional {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-"))
		if err != nil {
			return nil, fmt.Errorf("the sum of %s: %w", name, err)
		}
		c := component("npm", name, p.Version, &cdx.Hash{Algorithm: cdx.HashAlgoSHA512, Value: hex.EncodeToString(sum)})
		c.Licenses = licence(p.License)
		all = append(all, c)
	}
	return all, nil
}

func component(kind, name, version string, sum *cdx.Hash) cdx.Component {
	address := fmt.Sprintf("pkg:%s/%s@%s", kind, strings.Replace(name, "@", "%40", 1), url.QueryEscape(version))
	c := cdx.Component{BOMRef: address, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: address, Scope: cdx.ScopeRequired}
	if sum != nil {
		c.Hashes = &[]cdx.Hash{*sum}
	}
	return c
}

// licence is an SPDX identifier.
func licence(id string) *cdx.Licenses {
	if id == "" {
		return nil
	}
	return &cdx.Licenses{{License: &cdx.License{ID: id}}}
}
