/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exit status.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "options.h"

/**
 * verdict() - judge all results
 * @o: the options
 * @rep: the results
 *
 * Return: EXIT_OK; EXIT_STALE if a byte was not zero; EXIT_TROUBLE if measuring
 * failed, parts do not add up, or no peer that was asked for by name has run.
 */
int verdict(const struct options *o, const struct report *rep);

#endif /* VERDICT_H */
