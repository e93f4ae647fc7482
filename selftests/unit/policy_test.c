// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AUTO's policy, simulated against an oracle: age.c and cost.c as they are, and a model
 * of pages around them.  The price that a policy pays beyond the oracle is its regret.
 * The oracle knows all runs.  It clears written pages.  For each time in which no run
 * writes a page, it keeps or drops the page, whichever is cheaper.
 */

#include "age.h"
#include "cost.h"
#include "unit.h"

#define PAGES	16384
#define SET	581
#define GROUP	64

/* Instructions on Linux 6.1: a drop, a look at a page that was written, at a zero one. */
#define DROP		650
#define LOOK		36
#define ZERO		140
#define ZERO_WORDS	640

enum user { PROCESS, GUEST };
static const unsigned int faults[] = { 2500, 5750 };

enum touch { NOT, READS, WRITES };

/* A load: called before each run, it marks the pages that the run touches. */
struct load {
	const char *name;
	void (*run)(uint32_t cycle);
	double most;		/* regret, in parts of the oracle's cost */
	double most_held;	/* pages held on average, in parts of the set; 0: any */
};

struct page {
	bool populated;
	bool dirty;
	bool zero;		/* when it was looked at last */
	uint8_t age;
	uint32_t went;		/* when it went for its age */
	uint32_t since;		/* when the oracle last saw it touched */
};

/* Costs of a simulation.  The fixed ways never drop, or always. */
struct outcome {
	double policy;
	double oracle;
	double inplace;
	double drop;
	double held;
};

static struct page pages[PAGES];
static uint32_t roll[PAGES], place[PAGES], nr_roll;
static enum touch touches[PAGES];
static uint32_t touched[PAGES], nr_touched;
static bool ever[PAGES];
static uint32_t witness;	/* a page that the last look saw written */
static uint64_t nr_ever;

/* This run touches a page, and maybe not for the first time. */
static void touch(uint32_t p, enum touch how)
{
	if (!touches[p])
		touched[nr_touched++] = p;
	if (how > touches[p])
		touches[p] = how;
}

static double min(double a, double b)
{
	return a < b ? a : b;
}

static void roll_remove(uint32_t p)
{
	uint32_t last = roll[--nr_roll];

	roll[place[p]] = last;
	place[last] = place[p];
}

/* A run: it faults in pages that are not there. */
static double run(struct fz_age *age, uint32_t fault, bool *any)
{
	double cost = 0;
	uint32_t n;

	for (n = 0; n < nr_touched; n++) {
		uint32_t p = touched[n];
		struct page *page = &pages[p];

		page->dirty |= touches[p] == WRITES;
		if (page->populated)
			continue;
		page->populated = true;
		page->zero = false;
		place[p] = nr_roll;
		roll[nr_roll++] = p;
		*any = true;
		cost += fault;
		if (page->went) {
			bool soon = fz_age_period(age->now) -
				    fz_age_period(page->went) <= 1;

			page->age = fz_age_returned(fz_age_back(page->age), soon);
			if (soon)
				fz_age_came_back(age, 1);
			page->went = 0;
		}
	}
	return cost;
}

/* A group of pages is looked at, those that were zero or all, and cleared. */
static double look_at(struct fz_age_look *look, uint32_t n, uint32_t end, bool hand,
		      uint32_t clear, uint32_t zero)
{
	double cost = 0;

	for (; n < end; n++) {
		struct page *page = &pages[roll[n]];

		if (!hand && !page->zero) {
			cost += clear;
			page->dirty = false;
			continue;
		}
		cost += page->dirty ? clear + LOOK : zero;
		page->zero = !page->dirty;
		if (page->zero)
			continue;
		page->dirty = false;
		witness = roll[n];
		fz_age_saw_written(look, 1, hand);
		page->age = fz_age_written(page->age);
	}
	return cost;
}

/* Which of its pages go. */
static uint32_t strike(const struct fz_age *age, struct fz_age_look *look, uint32_t n,
		       uint32_t end, bool hand, uint32_t *go)
{
	uint32_t nr_zero = 0, nr_go = 0, i;

	for (i = n; i < end; i++)
		nr_zero += pages[roll[i]].zero;
	if (!nr_zero || !fz_age_saw_zero(look, nr_zero, hand))
		return 0;
	for (i = n; i < end; i++)
		if (pages[roll[i]].zero && fz_age_strike(age, look, &pages[roll[i]].age))
			go[nr_go++] = roll[i];
	return nr_go;
}

/* A reset, as reset_sweep.c does it. */
static double reset(struct fz_age *age, bool any, uint32_t clear, uint32_t zero)
{
	static uint32_t go[PAGES];
	struct fz_age_look look;
	uint32_t n, nr = nr_roll, nr_go = 0;
	double cost = 0;

	if (!fz_age_due(age, nr)) {
		for (n = 0; n < nr; n++)
			pages[roll[n]].dirty = false;
		return nr * clear;
	}
	fz_age_begin(age, nr, any || pages[witness].dirty, &look);
	for (n = 0; n < nr; n += GROUP) {
		uint32_t end = nr - n < GROUP ? nr : n + GROUP;
		bool hand = fz_age_turn(&look, n, end - n);

		cost += look_at(&look, n, end, hand, clear, zero);
		nr_go += strike(age, &look, n, end, hand, go + nr_go);
	}
	fz_age_end(age, &look);
	for (n = 0; n < nr_go; n++) {
		pages[go[n]].populated = false;
		pages[go[n]].zero = false;
		pages[go[n]].went = age->now;
		roll_remove(go[n]);
		cost += DROP;
	}
	return cost;
}

/* Costs of the oracle and the fixed ways for a run and its reset. */
static void others(uint32_t cycle, uint32_t fault, uint32_t clear, uint32_t zero,
		   struct outcome *o)
{
	uint32_t n;

	for (n = 0; n < nr_touched; n++) {
		uint32_t p = touched[n];
		struct page *page = &pages[p];
		double idle;

		/* A ready page is not in the caches; see cost.c. */
		o->drop += fault + DROP +
			   (clear > FZ_COST_CLEAR ? (clear - FZ_COST_CLEAR) / 2 : 0);
		if (!ever[p]) {
			ever[p] = true;
			nr_ever++;
			o->oracle += fault;
			o->inplace += fault;
		} else {
			idle = (double)(cycle - page->since - 1) * min(clear, zero);
			o->oracle += min(idle, fault + DROP);
		}
		o->oracle += touches[p] == WRITES ? clear : min(clear, zero);
		page->since = cycle;
	}
	o->inplace += (double)nr_ever * clear;
}

static struct outcome simulate(const struct load *load, enum user user, uint32_t ratio,
			       uint32_t zero, uint32_t cycles)
{
	uint32_t clear = fz_cost_clear(ratio, 1);
	uint32_t fault = faults[user];
	struct fz_age age = { };
	struct outcome o = { };
	uint64_t held = 0;
	uint32_t cycle;

	memset(pages, 0, sizeof(pages));
	memset(ever, 0, sizeof(ever));
	memset(touches, 0, sizeof(touches));
	nr_touched = 0;
	nr_roll = 0;
	nr_ever = 0;
	random_state = 1;
	if (zero > clear)
		zero = clear * 5 / 4;
	for (cycle = 0; cycle < cycles; cycle++) {
		bool any = false;

		while (nr_touched)
			touches[touched[--nr_touched]] = NOT;
		load->run(cycle);
		o.policy += run(&age, fault, &any);
		others(cycle, fault, clear, zero, &o);
		o.policy += reset(&age, any, clear, zero);
		held += nr_roll;
	}
	o.held = (double)held / cycles;
	return o;
}

static void choose(uint32_t *list, uint32_t nr)
{
	static bool taken[PAGES];
	uint32_t i;

	memset(taken, 0, sizeof(taken));
	for (i = 0; i < nr; i++) {
		do {
			list[i] = random_number() % PAGES;
		} while (taken[list[i]]);
		taken[list[i]] = true;
	}
}

static uint32_t set[PAGES], other[PAGES];

static void touch_some(const uint32_t *list, uint32_t nr, enum touch how)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		touch(list[i], how);
}

static void touch_all(enum touch how)
{
	uint32_t p;

	for (p = 0; p < PAGES; p++)
		touch(p, how);
}

static void begin(uint32_t cycle)
{
	if (cycle)
		return;
	choose(set, SET);
	choose(other, SET);
}

static void stationary(uint32_t cycle)
{
	begin(cycle);
	touch_some(set, SET, WRITES);
}

/* As the benchmark's: every tenth page is another one. */
static void drifting(uint32_t cycle)
{
	uint32_t n;

	begin(cycle);
	for (n = 0; cycle && n < (SET + 9) / 10; n++)
		set[random_number() % SET] = random_number() % PAGES;
	touch_some(set, SET, WRITES);
}

static void alternating(uint32_t cycle)
{
	begin(cycle);
	touch_some(cycle % 2 ? set : other, SET, WRITES);
}

static void alternating_by_8(uint32_t cycle)
{
	begin(cycle);
	touch_some(cycle / 8 % 2 ? set : other, SET, WRITES);
}

static void phases(uint32_t cycle)
{
	if (cycle % 500 == 0)
		choose(set, SET);
	touch_some(set, SET, WRITES);
}

static void scans(uint32_t cycle)
{
	if (cycle % 1000 == 10)
		touch_all(WRITES);
	stationary(cycle);
}

static void scans_that_read(uint32_t cycle)
{
	if (cycle % 1000 == 10)
		touch_all(READS);
	stationary(cycle);
}

/* The second large run comes while the pages of the first are still going. */
static void scans_in_pairs(uint32_t cycle)
{
	if (cycle % 500 == 10 || cycle % 500 == 15)
		touch_all(READS);
	stationary(cycle);
}

static void read_mostly(uint32_t cycle)
{
	begin(cycle);
	touch_some(set, SET, READS);
	touch_some(set, SET / 10, WRITES);
}

static void read_only(uint32_t cycle)
{
	begin(cycle);
	touch_some(set, SET, READS);
}

/* A run, and then some resets without one. */
static void idle(uint32_t cycle)
{
	begin(cycle);
	if (cycle % 10 == 0)
		touch_some(set, SET, WRITES);
}

static void growing(uint32_t cycle)
{
	begin(cycle);
	if (!cycle)
		choose(set, PAGES / 2);
	touch_some(set, SET + cycle % 2000, WRITES);
}

static void shrinking(uint32_t cycle)
{
	if (!cycle)
		choose(set, PAGES / 2);
	touch_some(set, SET + 2000 - cycle % 2000, WRITES);
}

/* Each page is written in some runs, this one more often than that one. */
static void now_and_then(uint32_t cycle)
{
	uint32_t n;

	begin(cycle);
	for (n = 0; n < SET; n++)
		if (random_number() % (n % 16 + 1) == 0)
			touch(set[n], WRITES);
}

/* The most that the simulation has shown, and a little. */
static const struct load loads[] = {
	{ "stationary", stationary, 0.01, 1.01 },
	{ "drifting", drifting, 0.18, 1.3 },
	{ "alternating", alternating, 0.1, 2 },
	{ "alternating by 8", alternating_by_8, 0.13, 2 },
	{ "phases", phases, 0.1, 1.2 },
	{ "scans", scans, 0.15, 1.3 },
	{ "scans that read", scans_that_read, 0.13, 1.3 },
	{ "scans in pairs", scans_in_pairs, 0.25, 1.7 },
	{ "read mostly", read_mostly, 0.25, 1.1 },
	{ "read only", read_only, 0.04, 1.01 },
	{ "idle", idle, 0.04, 1.01 },
	{ "growing", growing, 0.02, 0 },
	{ "shrinking", shrinking, 0.05, 0 },
	{ "now and then", now_and_then, 0.15, 1.01 },
};

/* Long at the ratio of the benchmark, shorter at others. */
static const struct {
	uint32_t ratio;
	uint32_t cycles;
} hosts[] = {
	{ 100, 10000 }, { 50, 1000 }, { 70, 1000 }, { 200, 1000 }, { 400, 1000 }, { 800, 1000 },
};

static unsigned int judge(const struct load *load, const struct outcome *o)
{
	double best = min(o->inplace, o->drop);

	return (o->policy > o->oracle * (1 + load->most)) +
	       (load->most_held && o->held > SET * load->most_held) +
	       (o->policy > best * 1.15);
}

static unsigned int test_loads(void)
{
	unsigned int l, h, wrong = 0;
	enum user user;

	printf("# what the policy pays beyond the oracle, in percent, by ratio:");
	for (h = 0; h < ARRAY_SIZE(hosts); h++)
		printf(" %u", hosts[h].ratio);
	printf("; pages held, in parts of the set; beside the best fixed way\n");
	for (l = 0; l < ARRAY_SIZE(loads); l++)
		for (user = PROCESS; user <= GUEST; user++) {
			struct outcome o, first = { };
			unsigned int bad = 0;

			printf("# %-16s %-7s:", loads[l].name,
			       user == GUEST ? "guest" : "process");
			for (h = 0; h < ARRAY_SIZE(hosts); h++) {
				o = simulate(&loads[l], user, hosts[h].ratio, ZERO,
					     hosts[h].cycles);
				if (!h)
					first = o;
				bad += judge(&loads[l], &o);
				printf(" %5.1f", (o.policy / o.oracle - 1) * 100);
			}
			printf("; held %.2f; %.2f%s\n", first.held / SET,
			       first.policy / min(first.inplace, first.drop),
			       bad ? " WRONG" : "");
			wrong += bad;
		}
	return wrong;
}

/* Without vectors a look at a page that is zero costs more than its clear. */
static unsigned int test_dear_looks(void)
{
	unsigned int l, wrong = 0;

	for (l = 0; l < ARRAY_SIZE(loads); l++) {
		struct outcome o = simulate(&loads[l], GUEST, 100, ZERO_WORDS, 1000);

		wrong += o.policy > min(o.inplace, o.drop) * 1.3;
	}
	return wrong;
}

/* After a one-off that touches everything the cost is soon that of the live set. */
static unsigned int one_off(uint32_t live)
{
	struct fz_age age = { };
	unsigned int wrong = 0;
	uint32_t cycle, off;
	bool any;

	memset(pages, 0, sizeof(pages));
	memset(touches, 0, sizeof(touches));
	nr_roll = 0;
	/* Again and again, and as soon as it could be forgotten. */
	for (off = 0; off < 6; off++)
		for (cycle = 0; cycle < 64; cycle++) {
			double cost;

			while (nr_touched)
				touches[touched[--nr_touched]] = NOT;
			if (!cycle)
				touch_all(off % 2 ? READS : WRITES);
			begin(off || cycle);
			touch_some(set, live, WRITES);
			any = false;
			run(&age, faults[GUEST], &any);
			cost = reset(&age, any, FZ_COST_CLEAR, ZERO);
			if (cycle == 63)
				wrong += cost > 1.1 * live * FZ_COST_CLEAR;
		}
	return wrong;
}

static unsigned int test_one_off(void)
{
	return one_off(SET) + one_off(64);
}

int main(void)
{
	test("AUTO's price stays near an oracle's", test_loads);
	test("without vectors AUTO stays near the better fixed way", test_dear_looks);
	test("a one-off is forgotten after 64 resets", test_one_off);
	return test_end();
}
