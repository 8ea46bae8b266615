// Names of network interfaces.

/**
 * The names that dev_name_valid() of the kernel (net/core/dev.c) and the CNI specification allow. IFNAMSIZ is 16 with
 * the final zero.
 */
export const INTERFACE_NAME = /^(?!\.{1,2}$)[^/:\s]{1,15}$/;
