/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time to responsiveness of all peers.
 */
#ifndef RESPONSES_H
#define RESPONSES_H

#include "options.h"

/**
 * responses_measure() - have every peer serve requests, at each rate
 * @o: peers, requests, and the guest, if there is one
 * @rep: where to put the results
 *
 * Return: 0 or -errno; a result that cannot be measured has its reason.
 */
int responses_measure(const struct options *o, struct report *rep);

#endif /* RESPONSES_H */
