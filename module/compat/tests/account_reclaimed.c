// SPDX-License-Identifier: GPL-2.0-only
/* What a shrinker frees is counted through a function. */
#include <linux/swap.h>

void test(unsigned long pages);
void test(unsigned long pages)
{
	mm_account_reclaimed_pages(pages);
}
