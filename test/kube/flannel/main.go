// Command flanneld runs flannel's kube subnet manager with its vxlan or host-gw backend on a node, as flannel's own main does, which
// pulls in a cloud backend whose module is not to be had.
// Usage: NODE_NAME=node1 flanneld KUBECONFIG NET-CONF INTERFACE SUBNET-FILE
package main

import (
	"context"
	"math/big"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/hostgw"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan"
	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/ipmatch"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
	"k8s.io/klog/v2"
)

func must[T any](v T, err error) T {
	if err != nil {
		klog.Fatal(err)
	}
	return v
}

func main() {
	kubeconfig, netConf, link, subnetFile := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	sm := must(kube.NewSubnetManager(ctx, "", kubeconfig, "flannel.alpha.coreos.com", netConf, true))
	config := must(sm.GetNetworkConfig(ctx))
	stack := must(ipmatch.GetIPFamily(config.EnableIPv4, config.EnableIPv6))
	iface := must(ipmatch.LookupExtIface(link, "", "", stack, ipmatch.PublicIPOpts{}))
	be := must(backend.NewManager(ctx, sm, iface).GetBackend(config.BackendType))
	var wg sync.WaitGroup
	network := must(be.RegisterNetwork(ctx, &wg, config))
	lease := network.Lease()

	rules := &iptables.IPTablesManager{}
	must(0, rules.Init(ctx))
	// There was no network before this one.
	none4, none6 := ip.IP4Net{}, ip.IP6Net{IP: (*ip.IP6)(big.NewInt(0))}
	must(0, rules.SetupAndEnsureMasqRules(ctx, config.Network, none4, none4, config.IPv6Network, none6, none6, lease, 60, false))
	rules.SetupAndEnsureForwardRules(ctx, config.Network, config.IPv6Network, 60)
	must(0, sm.HandleSubnetFile(subnetFile, config, true, lease.Subnet, lease.IPv6Subnet, network.MTU()))
	wg.Add(1)
	go func() { network.Run(ctx); wg.Done() }()
	must(0, sm.CompleteLease(ctx, lease, &wg))
	wg.Wait()
}
