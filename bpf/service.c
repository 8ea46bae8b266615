/*
 * Services in socket calls: a program asks for the address of a Service, and the kernel speaks with a backend of it. The
 * program sees only the Service. A socket that no Service concerns is not touched.
 */
#include "socket-calls.h"

INLINE struct place place4(struct bpf_sock_addr *context, __u16 protocol)
{
	struct place place = { .address = { 0, 0, MAPPED_PREFIX, context->user_ip4 }, .port = context->user_port, .protocol = protocol };
	return place;
}

INLINE struct place place6(struct bpf_sock_addr *context, __u16 protocol)
{
	struct place place = {
		.address = { context->user_ip6[0], context->user_ip6[1], context->user_ip6[2], context->user_ip6[3] },
		.port = context->user_port,
		.protocol = protocol,
	};
	return place;
}

INLINE void rewrite4(struct bpf_sock_addr *context, const struct place *place)
{
	context->user_ip4 = place->address[3];
	context->user_port = place->port;
}

INLINE void rewrite6(struct bpf_sock_addr *context, const struct place *place)
{
	context->user_ip6[0] = place->address[0];
	context->user_ip6[1] = place->address[1];
	context->user_ip6[2] = place->address[2];
	context->user_ip6[3] = place->address[3];
	context->user_port = place->port;
}

/* For calls that send: `to` is rewritten only if it has become another place. */
#define SENDING(name, kind, handler, family)                                              \
	SECTION("cgroup/" #kind) int name(struct bpf_sock_addr *context)                  \
	{                                                                                 \
		if (!has_services(context->protocol))                                     \
			return PROCEED;                                                   \
		struct place to = place##family(context, context->protocol);              \
		int verdict = handler(context, &to);                                      \
		if (to.protocol == 0)                                                     \
			rewrite##family(context, &to);                                    \
		return verdict;                                                           \
	}

SENDING(connect4, connect4, on_connect, 4)
SENDING(connect6, connect6, on_connect, 6)
SENDING(sendmsg4, sendmsg4, on_send, 4)
SENDING(sendmsg6, sendmsg6, on_send, 6)

#define RECEIVING(family)                                                                 \
	SECTION("cgroup/recvmsg" #family) int recvmsg##family(struct bpf_sock_addr *context) \
	{                                                                                 \
		struct bpf_sock *sk = context->sk;                                        \
		if (!sk || context->protocol != UDP)                                      \
			return PROCEED;                                                   \
		struct place from = place##family(context, 0);                            \
		const struct place *service = service_of_peer(sk, &from);                 \
		if (!service)                                                             \
			service = service_of_sent(sk, &from);                             \
		if (service)                                                              \
			rewrite##family(context, service);                                \
		return PROCEED;                                                           \
	}                                                                                 \
	SECTION("cgroup/getpeername" #family) int getpeername##family(struct bpf_sock_addr *context) \
	{                                                                                 \
		struct bpf_sock *sk = context->sk;                                        \
		if (!sk || !has_services(context->protocol))                              \
			return PROCEED;                                                   \
		struct place from = place##family(context, 0);                            \
		const struct place *service = service_of_peer(sk, &from);                 \
		if (service)                                                              \
			rewrite##family(context, service);                                \
		return PROCEED;                                                           \
	}

RECEIVING(4)
RECEIVING(6)

/* The end of a socket. */
SECTION("cgroup/sock_release") int sock_release(struct bpf_sock *context)
{
	if (context->protocol == UDP) {
		__u64 cookie = socket_cookie(context);
		map_delete(&followed, &cookie);
	}
	return PROCEED;
}

/* Nothing here needs a helper that the kernel keeps for programs under the GPL. */
char license_text[] SECTION("license") = "Apache-2.0";
