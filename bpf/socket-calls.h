/* What the programs do in each socket call, for both families. */
#ifndef OW_SOCKET_CALLS_H
#define OW_SOCKET_CALLS_H

#include "choose.h"

/* What a program returns to the kernel. */
enum { REJECT = 0, PROCEED = 1 };

INLINE int has_services(__u32 protocol)
{
	return protocol == TCP || protocol == UDP || protocol == SCTP;
}

INLINE int refuse(void)
{
	/* Without this, the caller sees EPERM. */
	set_result(-CONNECTION_REFUSED);
	return REJECT;
}

/* A second connect(2) forgets what the first one chose. */
INLINE void forget(struct bpf_sock_addr *context, struct bpf_sock *sk)
{
	if (socket_storage_delete(&connected, sk) != 0 || context->protocol != UDP)
		return;
	__u64 cookie = socket_cookie(context);
	map_delete(&followed, &cookie);
}

/* Keeps the choice in the socket, and a UDP socket's where the agent sees it too. */
INLINE int keep(struct bpf_sock_addr *context, struct bpf_sock *sk, const struct choice *made)
{
	struct choice *stored = socket_storage(&connected, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!stored)
		return 0;
	*stored = *made;
	if (context->protocol != UDP)
		return 1;
	__u64 cookie = socket_cookie(context);
	return map_update(&followed, &cookie, made, BPF_ANY) == 0;
}

/* connect(2). `to` becomes the backend's place. */
INLINE int on_connect(struct bpf_sock_addr *context, struct place *to)
{
	struct choice made = { .service = *to };
	enum result result = choose(context, to, &made.backend);
	struct bpf_sock *sk = context->sk;
	if (!sk)
		return PROCEED;
	if (result == CHOSEN && keep(context, sk, &made)) {
		*to = made.backend;
		return PROCEED;
	}
	forget(context, sk);
	return result == REFUSED ? refuse() : PROCEED;
}

/* sendto(2) and sendmsg(2) of UDP with an address. The kernel holds the socket's lock. */
INLINE int on_send(struct bpf_sock_addr *context, struct place *to)
{
	struct bpf_sock *sk = context->sk;
	if (!sk || !map_lookup(&services, to) || is_exempt(context))
		return PROCEED;
	struct sent *state = socket_storage(&sent, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return PROCEED;
	int mine = -1;
	for (int i = 0; i < MAX_SENT; i++) {
		struct place *known = &state->entries[i].choice.service;
		if (same_place(known, to)) {
			mine = i;
			break;
		}
		if (known->protocol == 0 && mine < 0)
			mine = i;
	}
	if (mine < 0 || mine >= MAX_SENT)
		return PROCEED;
	struct choice made = state->entries[mine].choice;
	if (made.service.protocol == 0 || !may_keep(to, &made.backend)) {
		made.service = *to;
		enum result result = choose(context, to, &made.backend);
		if (result != CHOSEN)
			return result == REFUSED ? refuse() : PROCEED;
		state->entries[mine].choice = made;
	}
	state->entries[mine].used = ++state->clock;
	*to = made.backend;
	return PROCEED;
}

/* The Service by which a connected socket speaks with `from`. */
INLINE const struct place *service_of_peer(struct bpf_sock *sk, const struct place *from)
{
	/* connect(AF_UNSPEC) has no hook. It leaves no destination port. */
	if (sk->dst_port == 0)
		return 0;
	struct choice *stored = socket_storage(&connected, sk, 0, 0);
	return stored && same_place(&stored->backend, from) ? &stored->service : 0;
}

/* The Service by which a socket has sent to `from`. Where several lead there, the one that was used last. */
INLINE const struct place *service_of_sent(struct bpf_sock *sk, const struct place *from)
{
	struct sent *state = socket_storage(&sent, sk, 0, 0);
	if (!state)
		return 0;
	const struct place *newest = 0;
	__u32 age = ~0U;
	for (int i = 0; i < MAX_SENT; i++) {
		if (!same_place(&state->entries[i].choice.backend, from) || state->entries[i].choice.service.protocol == 0)
			continue;
		if (state->clock - state->entries[i].used > age)
			continue;
		age = state->clock - state->entries[i].used;
		newest = &state->entries[i].choice.service;
	}
	return newest;
}

#endif
