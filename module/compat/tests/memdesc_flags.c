// SPDX-License-Identifier: GPL-2.0-only
/* The flags of a page are a structure. */
#include <linux/mm.h>

unsigned long test(const struct page *page);
unsigned long test(const struct page *page)
{
	return page->flags.f;
}
