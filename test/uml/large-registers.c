/*
 * Loaded into linux.uml before its libraries. Linux 6.1 for user mode writes 2696 bytes of extended registers into its
 * processes (arch/x86/um/user-offsets.c). A kernel of a CPU that has more, for example AMX, refuses that with EFAULT
 * (xstateregs_set of regset.c). Here the rest of the registers is added as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef long (*ptrace_t)(enum __ptrace_request request, pid_t pid, void *address, void *data);

static ptrace_t next;
/* Only the one thread of user-mode Linux that runs its processes comes here. Its stack is small. */
static char state[65536] __attribute__((aligned(64)));

__attribute__((constructor)) static void find_next(void) { next = (ptrace_t)dlsym(RTLD_NEXT, "ptrace"); }

long ptrace(enum __ptrace_request request, ...)
{
	va_list rest;
	va_start(rest, request);
	pid_t pid = va_arg(rest, pid_t);
	void *address = va_arg(rest, void *);
	void *data = va_arg(rest, void *);
	va_end(rest);
	if (request != PTRACE_SETREGSET || address != (void *)NT_X86_XSTATE) return next(request, pid, address, data);
	const struct iovec *given = data;
	struct iovec whole = { .iov_base = state, .iov_len = sizeof state };
	long refused = next(PTRACE_GETREGSET, pid, address, &whole);
	if (refused != 0 || whole.iov_len <= given->iov_len) return next(request, pid, address, data);
	memcpy(state, given->iov_base, given->iov_len);
	return next(request, pid, address, &whole);
}
