// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: its version.
 */
#include "internal.h"

FASTZERO_API const char *fastzero_version(void)
{
	return FASTZERO_LIB_VERSION;
}
