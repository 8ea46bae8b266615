/* Chooses the backend of a Service. */
#ifndef OW_CHOOSE_H
#define OW_CHOOSE_H

#include "maps.h"

/* NO_SERVICE also where the choice cannot be made: the packets then take the way that they take without us. */
enum result { NO_SERVICE, REFUSED, CHOSEN };

INLINE int same_place(const struct place *a, const struct place *b)
{
	return a->address[0] == b->address[0] && a->address[1] == b->address[1] && a->address[2] == b->address[2] &&
	       a->address[3] == b->address[3] && a->port == b->port && a->protocol == b->protocol;
}

INLINE int serves(__u64 set, const struct place *backend, int new_connection)
{
	struct serving key = { .set = set, .backend = *backend };
	__u32 *takes_new = map_lookup(&serving, &key);
	return takes_new && (!new_connection || *takes_new);
}

/*
 * The agent writes a set before the Service leads to it, and removes a set after the Service leads to another. So what
 * was read is right if the Service still leads to the same set afterwards. Otherwise its memory may have been used for
 * another entry meanwhile.
 */
INLINE int still_leads_to(const struct place *service, __u64 set)
{
	struct service *now = map_lookup(&services, service);
	return now && now->set == set;
}

/* Entries may change while they are read. A few attempts are enough: each failed one means one more change. */
enum { ATTEMPTS = 4 };

/* Whether a socket that has chosen this backend of a Service keeps it. It does while the backend serves. */
INLINE int may_keep(const struct place *service, const struct place *backend)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct service *found = map_lookup(&services, service);
		if (!found)
			return 0;
		__u64 set = found->set;
		if (serves(set, backend, 0))
			return 1;
		if (still_leads_to(service, set))
			return 0;
	}
	return 0;
}

/* The backend that this client had last, if its time is not over and it takes new connections. */
INLINE int remembered(const struct client *client, const struct service *service, __u64 now, struct place *backend)
{
	struct affinity *affinity = map_lookup(&affinities, client);
	if (!affinity || now - affinity->used_ns > service->affinity_seconds * 1000000000ULL)
		return 0;
	*backend = affinity->backend;
	return serves(service->set, backend, 1);
}

INLINE int any_of(const struct service *service, struct place *backend)
{
	struct member key = { .set = service->set, .index = random_number() % service->count };
	struct place *member = map_lookup(&members, &key);
	if (!member)
		return 0;
	*backend = *member;
	return 1;
}

INLINE int is_exempt(void *context)
{
	__u64 netns = netns_cookie(context);
	return map_lookup(&exempt, &netns) != 0;
}

INLINE void count_at(const struct place *at, enum result result)
{
	struct counts *counts = map_lookup(&counted, at);
	if (!counts) {
		struct counts none = { 0, 0 };
		/* A full map counts no more Services. */
		map_update(&counted, at, &none, BPF_NOEXIST);
		counts = map_lookup(&counted, at);
		if (!counts)
			return;
	}
	__sync_fetch_and_add(result == CHOSEN ? &counts->chosen : &counts->refused, 1);
}

/* The agent's own test is at 127.255.255.1. */
INLINE int is_loopback(const struct place *at)
{
	return at->address[2] == MAPPED_PREFIX && (at->address[3] & 0xff) == 127;
}

INLINE void count(const struct place *service, enum result result)
{
	if (is_loopback(service))
		return;
	struct place all = { .protocol = service->protocol };
	count_at(service, result);
	count_at(&all, result);
}

INLINE enum result find(void *context, const struct place *to, struct place *backend)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct service *found = map_lookup(&services, to);
		if (!found || is_exempt(context))
			return NO_SERVICE;
		struct service service = *found;
		if (service.count == 0) {
			if (still_leads_to(to, service.set))
				return REFUSED;
			continue;
		}
		if (service.affinity_seconds == 0) {
			if (any_of(&service, backend) && still_leads_to(to, service.set))
				return CHOSEN;
			continue;
		}
		struct client client = { .service = *to, .netns = netns_cookie(context) };
		__u64 now = monotonic_ns();
		if (!remembered(&client, &service, now, backend) && !any_of(&service, backend))
			continue;
		if (!still_leads_to(to, service.set))
			continue;
		struct affinity affinity = { .backend = *backend, .used_ns = now };
		map_update(&affinities, &client, &affinity, BPF_ANY);
		return CHOSEN;
	}
	return NO_SERVICE;
}

INLINE enum result choose(void *context, const struct place *to, struct place *backend)
{
	enum result result = find(context, to, backend);
	if (result != NO_SERVICE)
		count(to, result);
	return result;
}

#endif
