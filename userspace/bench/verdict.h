/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exit status.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "options.h"

/**
 * verdict() - judge what came of all
 * @o: what was asked for
 * @rep: what came of it
 *
 * Return: EXIT_OK; EXIT_STALE if a byte was not zero; EXIT_TROUBLE if measuring
 * failed, parts do not add up, or nothing came of what was asked for by name.
 */
int verdict(const struct options *o, const struct report *rep);

#endif /* VERDICT_H */
