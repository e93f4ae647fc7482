// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For the selftests only: long-term pins on memory of the caller, and a way to
 * the pinned pages that goes through no mapping.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/irqflags.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fz_pin.h"

#define PIN_MAX_PAGES	1024
#define PIN_GLANCE_US	1000

/**
 * struct pin - one open
 * @lock: protects all below
 * @pages: what is pinned
 * @nr: how many
 */
struct pin {
	struct mutex lock;
	struct page **pages;
	int nr;
};

static void pin_drop(struct pin *pin)
{
	if (pin->nr)
		unpin_user_pages(pin->pages, pin->nr);
	kfree(pin->pages);
	pin->pages = NULL;
	pin->nr = 0;
}

/* Take references of what is mapped, and give them back.  @pin->pages is there. */
static void pin_glance(struct pin *pin, const struct fz_pin_range *range)
{
	int got;

	local_irq_disable();
	got = get_user_pages_fast_only(range->address, range->length >> PAGE_SHIFT,
				       FOLL_WRITE, pin->pages);
	if (got > 0)
		udelay(PIN_GLANCE_US);
	while (got > 0)
		put_page(pin->pages[--got]);
	local_irq_enable();
}

static int pin_take(struct pin *pin, const struct fz_pin_range *range, bool glances)
{
	u64 nr = range->length >> PAGE_SHIFT;
	int got;

	if (pin->nr)
		return -EBUSY;
	if (!nr || nr > PIN_MAX_PAGES || (range->length & ~PAGE_MASK) ||
	    (range->address & ~PAGE_MASK))
		return -EINVAL;

	pin->pages = kcalloc(nr, sizeof(*pin->pages), GFP_KERNEL);
	if (!pin->pages)
		return -ENOMEM;
	if (glances)
		pin_glance(pin, range);
	got = pin_user_pages_fast(range->address, nr, FOLL_WRITE | FOLL_LONGTERM,
				  pin->pages);
	pin->nr = max(got, 0);
	if (got != nr) {
		pin_drop(pin);
		return got < 0 ? got : -EFAULT;
	}
	return 0;
}

static long pin_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	struct pin *pin = file->private_data;
	struct fz_pin_range range;
	long err = 0;

	if ((nr == FZ_PIN_PIN || nr == FZ_PIN_GLANCE) &&
	    copy_from_user(&range, (void __user *)arg, sizeof(range)))
		return -EFAULT;

	mutex_lock(&pin->lock);
	if (nr == FZ_PIN_PIN || nr == FZ_PIN_GLANCE)
		err = pin_take(pin, &range, nr == FZ_PIN_GLANCE);
	else if (nr == FZ_PIN_UNPIN)
		pin_drop(pin);
	else
		err = -ENOTTY;
	mutex_unlock(&pin->lock);
	return err;
}

/* Copies from or to one page; fails as copy_to_user(). */
static unsigned long pin_copy(struct page *page, size_t offset,
			      char __user *buf, size_t n, bool write)
{
	char *p = kmap_local_page(page);
	unsigned long left;

	if (write)
		left = copy_from_user(p + offset, buf, n);
	else
		left = copy_to_user(buf, p + offset, n);
	kunmap_local(p);
	return left;
}

static ssize_t pin_rw(struct file *file, char __user *buf, size_t count,
		      loff_t *pos, bool write)
{
	struct pin *pin = file->private_data;
	ssize_t done = 0;

	mutex_lock(&pin->lock);
	while (count && *pos >> PAGE_SHIFT < pin->nr) {
		size_t offset = offset_in_page(*pos);
		size_t n = min_t(size_t, PAGE_SIZE - offset, count);

		if (pin_copy(pin->pages[*pos >> PAGE_SHIFT], offset, buf, n,
			     write)) {
			done = done ?: -EFAULT;
			break;
		}
		*pos += n;
		buf += n;
		count -= n;
		done += n;
	}
	mutex_unlock(&pin->lock);
	return done;
}

static ssize_t pin_read(struct file *file, char __user *buf, size_t count,
			loff_t *pos)
{
	return pin_rw(file, buf, count, pos, false);
}

static ssize_t pin_write(struct file *file, const char __user *buf,
			 size_t count, loff_t *pos)
{
	return pin_rw(file, (char __user *)buf, count, pos, true);
}

static int pin_open(struct inode *inode, struct file *file)
{
	struct pin *pin = kzalloc(sizeof(*pin), GFP_KERNEL);

	if (!pin)
		return -ENOMEM;
	mutex_init(&pin->lock);
	file->private_data = pin;
	return 0;
}

static int pin_release(struct inode *inode, struct file *file)
{
	struct pin *pin = file->private_data;

	pin_drop(pin);
	mutex_destroy(&pin->lock);
	kfree(pin);
	return 0;
}

static const struct file_operations pin_fops = {
	.owner		= THIS_MODULE,
	.open		= pin_open,
	.release	= pin_release,
	.read		= pin_read,
	.write		= pin_write,
	.unlocked_ioctl	= pin_ioctl,
	.llseek		= default_llseek,
};

static struct miscdevice pin_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "fz_pin",
	.fops	= &pin_fops,
	.mode	= 0600,
};
module_misc_device(pin_device);

MODULE_DESCRIPTION("Pins memory, for the selftests of fastzero");
MODULE_LICENSE("GPL");
