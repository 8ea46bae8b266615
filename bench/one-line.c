/* The least a CNI plugin can be: a static program that prints one line. What the shim is measured against. */
#include <stdio.h>

int main(void) { return puts("{\"cniVersion\":\"1.1.0\"}") < 0; }
