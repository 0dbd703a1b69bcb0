// Command coredns is CoreDNS with the plugins that a cluster's DNS needs, and no others.
//
// The stock program links every cloud's SDK for plugins that the sandbox never configures; leaving
// them out takes most of its build time away.
package main

import (
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
)

// The order is the order in which a query passes the plugins, as in CoreDNS's own list.
func init() {
	dnsserver.Directives = []string{"bind", "ready", "errors", "cache", "template", "kubernetes"}
}

func main() { coremain.Run() }
