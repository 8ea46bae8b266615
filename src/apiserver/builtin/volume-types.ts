// The types of a pod's volumes (k8s.io/api core/v1, by field).

export const VOLUME_TYPES = `
Volume Files that containers can mount.
  name! string
  hostPath HostPathVolumeSource
  emptyDir EmptyDirVolumeSource
  secret SecretVolumeSource
  configMap ConfigMapVolumeSource
  downwardAPI object
  projected object
  persistentVolumeClaim object
  csi object
  ephemeral object
  image object
  nfs object
  iscsi object
  rbd object
  cephfs object
  fc object

HostPathVolumeSource A file or folder of the node.
  path! string
  type string

EmptyDirVolumeSource A folder that exists until the pod is deleted.
  medium string
  sizeLimit quantity

SecretVolumeSource The keys of a Secret as files.
  secretName string
  items [KeyToPath]
  defaultMode int
  optional bool

ConfigMapVolumeSource The keys of a ConfigMap as files.
  name string
  items [KeyToPath]
  defaultMode int
  optional bool

KeyToPath One key as a file.
  key! string
  path! string
  mode int
`;
