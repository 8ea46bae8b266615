/* The maps. src/kernel/bpf/service-maps.ts has the same layouts and writes them. */
#ifndef OW_MAPS_H
#define OW_MAPS_H

#include "kernel.h"

#define MAPPED_PREFIX __builtin_bswap32(0xffff)

/* An IPv4 address stands as ::ffff:a.b.c.d, for sockets of both families meet the same Service. Network byte order. */
struct place {
	__u32 address[4];
	__u16 port;
	/* An IP protocol number. Backends have 0. */
	__u16 protocol;
};

/* Where the backends of a Service's address and port are. A changed list has a new `set`; numbers are not used again. */
struct service {
	__u64 set;
	/* How many backends take new connections. 0: connections are refused. */
	__u32 count;
	/* 0: a client may get any backend each time. */
	__u32 affinity_seconds;
};

/* One of the `count` backends of a set. */
struct member {
	__u64 set;
	__u32 index;
	__u32 zero;
};

/* A backend of a set that still serves; its value tells whether new connections may go there. */
struct serving {
	__u64 set;
	struct place backend;
	__u32 zero;
};

/* The network namespace stands for the client: it is one pod, or the host. */
struct client {
	struct place service;
	__u32 zero;
	__u64 netns;
};

struct affinity {
	struct place backend;
	__u32 zero;
	__u64 used_ns;
};

/* What a socket has chosen: it asked for `service` and speaks with `backend`. */
struct choice {
	struct place service;
	struct place backend;
};

enum { MAX_SENT = 8 };

/* The choices of a UDP socket that names the address with each datagram. */
struct sent {
	/* Counts datagrams, so that the newest choice is known. */
	__u32 clock;
	struct {
		struct choice choice;
		__u32 used;
	} entries[MAX_SENT];
};

/* How often sockets asked for a Service: each connect(2), and each first datagram to it of a socket without one. */
struct counts {
	__u64 chosen;
	__u64 refused;
};

/* struct place -> struct service */
extern struct map services;
/* struct member -> struct place */
extern struct map members;
/* struct serving -> __u32 */
extern struct map serving;
/* struct client -> struct affinity */
extern struct map affinities;
/* socket -> struct choice */
extern struct map connected;
/* socket -> struct sent */
extern struct map sent;
/* Pods that want kube-proxy alone, by the cookie of their network namespace: __u64 -> __u32 */
extern struct map exempt;
/* struct place -> struct counts. Address and port 0: all Services of the protocol. */
extern struct map counted;
/* Of connected UDP sockets, for the agent, which ends them when the backend is gone: cookie -> struct choice */
extern struct map followed;

#endif
