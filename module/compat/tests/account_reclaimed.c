// SPDX-License-Identifier: GPL-2.0-only
/* There is a function that counts pages freed by a shrinker. */
#include <linux/swap.h>

void test(unsigned long pages);
void test(unsigned long pages)
{
	mm_account_reclaimed_pages(pages);
}
