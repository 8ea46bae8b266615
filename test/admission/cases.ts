// Objects that admission refuses, with field and text. The numbers are those of Spiderpool's end-to-end cases.

export interface RefusedCase {
  /** The number of the case upstream, or empty. */
  readonly number: string;
  readonly kind:
    | 'SpiderCoordinator'
    | 'SpiderIPPool'
    | 'SpiderMultusConfig'
    | 'SpiderReservedIP'
    | 'SpiderSubnet';
  readonly spec: object;
  readonly metadata?: object;
  /** Field, value and a part of the text. */
  readonly text: RegExp;
}

const subnet = '10.6.0.0/16';
const macvlan = { master: ['eth0'] };
const inject = (kind: 'rdma' | 'network') => ({
  annotations: { [`cni.spidernet.io/${kind}-resource-inject`]: 'group' },
});

/** Stored before the controller starts. */
export const earlier: readonly Pick<RefusedCase, 'kind' | 'spec' | 'metadata'>[] = [
  {
    kind: 'SpiderMultusConfig',
    spec: { cniType: 'macvlan', macvlan },
    metadata: { name: 'earlier0', annotations: { 'multus.spidernet.io/cr-name': 'lan' } },
  },
];

/** Stored before the cases. */
export const neighbours: readonly Pick<RefusedCase, 'kind' | 'spec'>[] = [
  { kind: 'SpiderIPPool', spec: { subnet, ips: ['10.6.0.10-10.6.0.20'] } },
  { kind: 'SpiderSubnet', spec: { subnet: '10.8.0.0/24', ips: ['10.8.0.10-10.8.0.20'] } },
];

const pool = (number: string, spec: object, text: RegExp): RefusedCase => ({
  ...{ number, kind: 'SpiderIPPool', spec, text },
});
const config = (number: string, spec: object, text: RegExp, metadata = {}): RefusedCase => ({
  ...{ number, kind: 'SpiderMultusConfig', spec, text, metadata },
});

export const refusedCases: readonly RefusedCase[] = [
  pool(
    'D00001',
    { subnet, ips: ['10.6.0.20'] },
    /spec\.ips: Forbidden: overlap with IPPool neighbour0 in IP ranges \[10\.6\.0\.20\]/,
  ),
  pool(
    'I00010',
    { subnet, ips: ['10.6.0.10-10.6.0.20'] },
    /spec\.ips: Forbidden: overlap with IPPool neighbour0 in IP ranges \[10\.6\.0\.10-10\.6\.0\.20\]/,
  ),
  pool(
    'D00001',
    { subnet: '10.6.0.0/24' },
    /spec\.subnet: .*overlap with IPPool neighbour0 which subnet is 10\.6\.0\.0\/16/,
  ),
  pool(
    'D00003',
    { subnet, ips: ['10.6.1.1'], gateway: '10.7.0.1' },
    /spec\.gateway: Invalid value: "10\.7\.0\.1": must be inside spec\.subnet/,
  ),
  pool(
    'D00003',
    { subnet, ips: ['10.6.1.1'], gateway: '10.6.1.1' },
    /spec\.gateway: Invalid value: "10\.6\.1\.1": is in spec\.ips, so a pod could get it/,
  ),
  pool(
    'D00003',
    { subnet, ips: ['10.6.1.1'], routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1' }] },
    /spec\.routes\[0\]\.dst: Invalid value: "0\.0\.0\.0\/0": please specify 'spec\.gateway' to configure the default route/,
  ),
  pool(
    'D00003',
    { subnet, ips: ['10.6.1.1'], routes: [{ dst: '10.9.0.0/16', gw: '10.7.0.1' }] },
    /spec\.routes\[0\]\.gw: Invalid value: "10\.7\.0\.1": must be inside spec\.subnet/,
  ),
  pool('', { subnet, ips: ['10.7.0.1'] }, /spec\.ips\[0\]: .*not match base subnet/),
  pool('', { subnet, ips: ['10.6.0.9-10.6.0.1'] }, /spec\.ips\[0\]: .*invalid IP range format/),
  pool('', { subnet: 'none' }, /spec\.subnet: Invalid value: "none": invalid CIDR/),
  pool('', { subnet, ipVersion: 6 }, /spec\.ipVersion: .*must be the address family of subnet/),
  pool(
    'D00003',
    { subnet, ips: ['10.6.1.1'], gateway: 'fd00::1' },
    /spec\.gateway: .*must be of the address family of subnet/,
  ),
  pool(
    '',
    { subnet, ips: ['10.6.1.1'], podAffinity: {} },
    /spec\.podAffinity: .*empty podAffinity is invalid for SpiderIPPool/,
  ),
  pool(
    '',
    { subnet, ips: ['10.6.1.1'], podAffinity: { matchExpressions: [{ key: 'zone', operator: 'In' }] } },
    /spec\.podAffinity\.matchExpressions: .*In and NotIn need values/,
  ),
  pool(
    '',
    { subnet, ips: ['10.6.1.1'], nodeAffinity: { matchExpressions: [{ key: 'zone', operator: 'In' }] } },
    /spec\.nodeAffinity\.matchExpressions\[0\]\.values: .*must be specified when `operator` is 'In' or 'NotIn'/,
  ),
  pool(
    '',
    { subnet, ips: ['10.6.1.1'], namespaceAffinity: { matchLabels: { 'a b': 'c' } } },
    /spec\.namespaceAffinity\.matchLabels: .*"a b": not a label key/,
  ),
  pool(
    '',
    { subnet: '10.8.0.0/24', ips: ['10.8.0.30'] },
    /spec\.ips: Forbidden: add some IP ranges .* that are not contained in controller Subnet neighbour1/,
  ),
  {
    number: 'I00009',
    kind: 'SpiderSubnet',
    spec: { subnet: '10.8.0.0/16' },
    text: /spec\.subnet: Invalid value: "10\.8\.0\.0\/16": overlap with Subnet neighbour1/,
  },
  {
    number: '',
    kind: 'SpiderSubnet',
    spec: { subnet: '10.6.0.0/24' },
    text: /spec\.subnet: Invalid value: "10\.6\.0\.0\/24": overlap with SpiderIPPool 'neighbour0'/,
  },
  {
    number: '',
    kind: 'SpiderReservedIP',
    spec: { ips: ['10.6.0.999'] },
    text: /spec\.ips\[0\]: .*"10\.6\.0\.999": invalid IP range format/,
  },
  {
    number: '',
    kind: 'SpiderCoordinator',
    spec: { mode: 'auto' },
    text: /spec\.podCIDRType: .*one of auto, cluster, calico, cilium, none/,
  },
  {
    number: '',
    kind: 'SpiderCoordinator',
    spec: { podCIDRType: 'auto', hijackCIDR: ['10.0.0.0/99'] },
    text: /spec\.hijackCIDR\[0\]: .*must be a network/,
  },
  {
    number: 'C00022',
    kind: 'SpiderCoordinator',
    spec: { podCIDRType: 'auto', podMACPrefix: '01:00' },
    text: /spec\.podMACPrefix: Invalid value: "01:00": must be the first two bytes of a unicast MAC address/,
  },
  config(
    'M00005',
    { cniType: 'custom', customCNI: '{' },
    /spec\.customCNI: .*customCniConfig isn't a valid JSON encoding/,
  ),
  config('M00015', { cniType: 'macvlan' }, /spec: .*macvlan is required when cniType is macvlan/),
  config(
    'M00016',
    { cniType: 'macvlan', macvlan: { ...macvlan, vlanID: 4095 } },
    /spec\.macvlan\.vlanID: Invalid value: 4095: .*less than or equal to 4094/,
  ),
  config(
    'M00011',
    { cniType: 'macvlan', macvlan },
    /cr-name\]: .*default\/lan already exists and is managed by SpiderMultusConfig default\/earlier0/,
    { annotations: { 'multus.spidernet.io/cr-name': 'lan' } },
  ),
  config(
    'M00020',
    { cniType: 'macvlan', macvlan },
    /metadata\.annotations\[multus\.spidernet\.io\/cr-name\]: Invalid value: "": invalid custom net-attach-def resource name/,
    {
      annotations: { 'multus.spidernet.io/cr-name': '' },
    },
  ),
  config(
    'M00025',
    { cniType: 'macvlan', macvlan },
    /cr-name\]: Invalid value: "A_b": invalid custom net-attach-def resource name/,
    {
      annotations: { 'multus.spidernet.io/cr-name': 'A_b' },
    },
  ),
  config(
    'M00013',
    { cniType: 'macvlan', macvlan },
    /metadata\.annotations\[multus\.spidernet\.io\/cni-version\]: Invalid value: "9\.9\.9": unsupported CNI version/,
    {
      annotations: { 'multus.spidernet.io/cni-version': '9.9.9' },
    },
  ),
  config(
    'M00023',
    { cniType: 'macvlan', macvlan, coordinator: { podRPFilter: 3 } },
    /spec\.coordinator\.podRPFilter: Invalid value: 3: .*less than or equal to 2/,
  ),
  config(
    'M00028',
    { cniType: 'macvlan', macvlan },
    /spec\.macvlan\.rdmaResourceName: .*rdmaResourceName can not empty/,
    inject('rdma'),
  ),
  config(
    'M00029',
    { cniType: 'macvlan', macvlan: { ...macvlan, rdmaResourceName: 'a/b' } },
    /spec\.macvlan\.ippools: .*no any ippools configured/,
    inject('rdma'),
  ),
  config(
    'M00030',
    { cniType: 'custom' },
    /spec\.cniType: Forbidden: the cniType custom does not support RDMA resource or network resource injected/,
    inject('rdma'),
  ),
  config(
    'M00032',
    { cniType: 'sriov', sriov: { resourceName: 'a/b' } },
    /spec\.sriov\.ippools: .*no any ippools configured/,
    inject('network'),
  ),
  config(
    'M00040',
    { cniType: 'vlan', vlan: { ...macvlan, vlanMode: 'auto', vlanID: 5 } },
    /spec\.vlan: .*vlanID must be left out when vlanMode is auto/,
  ),
];
