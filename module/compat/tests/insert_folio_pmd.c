// SPDX-License-Identifier: GPL-2.0-only
/* A huge folio can be mapped without a fault. */
#include <linux/mm.h>

vm_fault_t test(struct vm_fault *vmf, struct folio *folio);
vm_fault_t test(struct vm_fault *vmf, struct folio *folio)
{
	return vmf_insert_folio_pmd(vmf, folio, false);
}
