// SPDX-License-Identifier: GPL-2.0-only
/* Folios count the page tables that map them as a whole. */
#include <linux/mm.h>

int test(struct folio *folio);
int test(struct folio *folio)
{
	return atomic_read(&folio->_entire_mapcount);
}
