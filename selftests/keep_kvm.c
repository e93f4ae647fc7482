// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keeps a KVM machine open while other programs come and go.  KVM patches the
 * running kernel when the first machine comes and when the last one goes, and
 * two emulated processors do not always survive that: they hang.
 */
#include <unistd.h>

#include "minivm.h"

int main(void)
{
	struct minivm *vm;

	if (minivm_new(&vm))
		return 0;
	pause();
	return 0;
}
