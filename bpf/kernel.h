/* What the programs use of the kernel: helper functions by their numbers (linux/bpf.h), and protocol numbers. */
#ifndef OW_KERNEL_H
#define OW_KERNEL_H

#include <linux/bpf.h>

#define INLINE static inline __attribute__((always_inline))
#define SECTION(name) __attribute__((section(name), used))

enum { TCP = 6, UDP = 17, SCTP = 132 };
enum { CONNECTION_REFUSED = 111 };

/* A map is made by src/kernel/bpf/service-maps.ts. The loader puts its descriptor where a program names it. */
struct map;

static void *(*const map_lookup)(struct map *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*const map_update)(struct map *map, const void *key, const void *value, __u64 flags) =
	(void *)BPF_FUNC_map_update_elem;
static long (*const map_delete)(struct map *map, const void *key) = (void *)BPF_FUNC_map_delete_elem;
static __u64 (*const monotonic_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static __u32 (*const random_number)(void) = (void *)BPF_FUNC_get_prandom_u32;
static void *(*const socket_storage)(struct map *map, void *sk, void *value, __u64 flags) =
	(void *)BPF_FUNC_sk_storage_get;
static long (*const socket_storage_delete)(struct map *map, void *sk) = (void *)BPF_FUNC_sk_storage_delete;
static __u64 (*const netns_cookie)(void *context) = (void *)BPF_FUNC_get_netns_cookie;
/* No two sockets of the machine ever have the same. */
static __u64 (*const socket_cookie)(void *context) = (void *)BPF_FUNC_get_socket_cookie;
static int (*const set_result)(int result) = (void *)BPF_FUNC_set_retval;

#endif
