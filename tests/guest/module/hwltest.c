// SPDX-License-Identifier: GPL-2.0
/*
 * What guest tests need and user space cannot do: make a kernel function fail
 * when the driver calls it, stop and wake transmit queues behind the driver's
 * back, write where the device does, and look at what the driver hands up.
 *
 * In debugfs, directory hwltest:
 *   fail   "FUNCTION VALUE NTH CALLER": the NTH call (0: each; -N: the first N) from
 *          a caller whose symbol contains CALLER returns VALUE, and nothing is
 *          done. "off" ends it. Reads as the number of calls that were made to fail.
 *   queue  "DEVICE QUEUE wake|stop|storm": storm wakes it for a second.
 *   mem    "ADDRESS HEX": write to physical memory.
 *   vanish "ADDRESS LENGTH": a mapping of registers reads as all ones from now on.
 *   appear write anything: what has vanished is there again.
 *   memr   "ADDRESS LENGTH", then read: hexadecimal.
 *   rx     "DEVICE": record each skb that goes up from there; "off" ends it. Reads
 *          as a JSON object a line.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hex.h>
#include <linux/if_vlan.h>
#include <linux/io.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pgtable.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <asm/set_memory.h>

static char fail_name[64];
static char fail_caller[64];
static long fail_value;
static int fail_nth;
static atomic_t fail_calls;
static atomic_t fail_hits;
static bool fail_armed;

/* Returns at once, and leaves the register that holds the value alone. */
static noinline notrace void hwltest_return(void)
{
	barrier();
}

static int hwltest_hit(struct kprobe *kp, struct pt_regs *regs)
{
	char symbol[KSYM_SYMBOL_LEN];
	int n;

	sprint_symbol(symbol, *(unsigned long *)regs->sp);
	if (!strstr(symbol, fail_caller))
		return 0;
	n = atomic_inc_return(&fail_calls);
	if ((fail_nth > 0 && n != fail_nth) || (fail_nth < 0 && n > -fail_nth))
		return 0;
	atomic_inc(&fail_hits);
	regs->ax = fail_value;
	regs->ip = (unsigned long)hwltest_return;
	return 1;
}

static struct kprobe fail_probe;

static void fail_disarm(void)
{
	if (fail_armed)
		unregister_kprobe(&fail_probe);
	fail_armed = false;
}

static ssize_t take(char *buf, size_t size, const char __user *from, size_t len)
{
	if (len >= size)
		return -EINVAL;
	if (copy_from_user(buf, from, len))
		return -EFAULT;
	buf[len] = 0;
	return len;
}

static ssize_t fail_write(struct file *file, const char __user *from, size_t len,
			  loff_t *pos)
{
	char buf[256];
	ssize_t ret;
	int err;

	ret = take(buf, sizeof(buf), from, len);
	if (ret < 0)
		return ret;
	fail_disarm();
	if (!strncmp(buf, "off", 3))
		return ret;
	if (sscanf(buf, "%63s %li %i %63s", fail_name, &fail_value, &fail_nth,
		   fail_caller) != 4)
		return -EINVAL;
	atomic_set(&fail_calls, 0);
	atomic_set(&fail_hits, 0);
	memset(&fail_probe, 0, sizeof(fail_probe));
	fail_probe.symbol_name = fail_name;
	fail_probe.pre_handler = hwltest_hit;
	err = register_kprobe(&fail_probe);
	if (err)
		return err;
	fail_armed = true;
	return ret;
}

static ssize_t fail_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	char buf[32];
	int n = scnprintf(buf, sizeof(buf), "%d\n", atomic_read(&fail_hits));

	return simple_read_from_buffer(to, len, pos, buf, n);
}

static const struct file_operations fail_fops = {
	.owner = THIS_MODULE, .write = fail_write, .read = fail_read,
};

static ssize_t queue_write(struct file *file, const char __user *from, size_t len,
			   loff_t *pos)
{
	char buf[64], name[IFNAMSIZ], what[16];
	struct net_device *dev;
	struct netdev_queue *nq;
	unsigned int q, i;
	ssize_t ret;

	ret = take(buf, sizeof(buf), from, len);
	if (ret < 0)
		return ret;
	if (sscanf(buf, "%15s %u %15s", name, &q, what) != 3)
		return -EINVAL;
	dev = dev_get_by_name(&init_net, name);
	if (!dev || q >= dev->num_tx_queues)
		return -ENODEV;
	nq = netdev_get_tx_queue(dev, q);
	if (!strcmp(what, "stop")) {
		netif_tx_stop_queue(nq);
	} else if (!strcmp(what, "wake")) {
		netif_tx_wake_queue(nq);
	} else {
		for (i = 0; i < 20000; i++) {
			netif_tx_wake_queue(nq);
			usleep_range(20, 50);
			if (signal_pending(current))
				break;
		}
	}
	dev_put(dev);
	return ret;
}

static const struct file_operations queue_fops = {
	.owner = THIS_MODULE, .write = queue_write,
};

static ssize_t mem_write(struct file *file, const char __user *from, size_t len,
			 loff_t *pos)
{
	char buf[256], hex[160];
	unsigned long long addr;
	u8 data[80];
	ssize_t ret;
	size_t n;

	ret = take(buf, sizeof(buf), from, len);
	if (ret < 0)
		return ret;
	if (sscanf(buf, "%llx %159s", &addr, hex) != 2)
		return -EINVAL;
	n = strlen(hex) / 2;
	if (hex2bin(data, hex, n))
		return -EINVAL;
	memcpy(phys_to_virt(addr), data, n);
	return ret;
}

static const struct file_operations mem_fops = {
	.owner = THIS_MODULE, .write = mem_write,
};

static u64 memr_addr;
static u32 memr_len;

static ssize_t memr_write(struct file *file, const char __user *from, size_t len,
			  loff_t *pos)
{
	unsigned long long addr;
	unsigned int n;
	char buf[64];
	ssize_t ret;

	ret = take(buf, sizeof(buf), from, len);
	if (ret < 0)
		return ret;
	if (sscanf(buf, "%llx %u", &addr, &n) != 2 || n > 256)
		return -EINVAL;
	memr_addr = addr;
	memr_len = n;
	return ret;
}

static ssize_t memr_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	char buf[520];

	bin2hex(buf, phys_to_virt(memr_addr), memr_len);
	return simple_read_from_buffer(to, len, pos, buf, 2 * memr_len);
}

static const struct file_operations memr_fops = {
	.owner = THIS_MODULE, .write = memr_write, .read = memr_read,
};

/* ---- What goes up with a frame ---- */

#define RX_MAX		512
#define RX_HEAD		32

struct rx_seen {
	u32 len, data_len, nr_frags, frags_len, truesize, headroom, hash;
	int queue;
	u16 protocol, vlan_proto, vlan_tci;
	u8 ip_summed, csum_level, pkt_type, meta;
	bool l4_hash, sw_hash, vlan, recycle, destructor_arg, fragment;
	u8 head[RX_HEAD];
};

static struct rx_seen rx_seen[RX_MAX];
static unsigned int rx_count;
static DEFINE_RAW_SPINLOCK(rx_lock);
static char rx_dev[IFNAMSIZ];
static bool rx_armed;

static void rx_record(struct rx_seen *seen, const struct sk_buff *skb)
{
	const struct skb_shared_info *sinfo = skb_shinfo(skb);
	int i;

	*seen = (struct rx_seen){
		.len = skb->len, .data_len = skb->data_len,
		.nr_frags = sinfo->nr_frags, .truesize = skb->truesize,
		.headroom = skb_headroom(skb), .hash = skb->hash,
		.queue = skb_rx_queue_recorded(skb) ? skb_get_rx_queue(skb) : -1,
		.protocol = ntohs(skb->protocol),
		.vlan_proto = ntohs(skb->vlan_proto), .vlan_tci = skb->vlan_tci,
		.ip_summed = skb->ip_summed, .csum_level = skb->csum_level,
		.pkt_type = skb->pkt_type, .l4_hash = skb->l4_hash,
		.sw_hash = skb->sw_hash, .vlan = skb_vlan_tag_present(skb),
		.recycle = skb->pp_recycle, .fragment = skb->head_frag,
		.destructor_arg = sinfo->destructor_arg,
		.meta = skb_metadata_len(skb),
	};
	for (i = 0; i < sinfo->nr_frags; i++)
		seen->frags_len += skb_frag_size(&sinfo->frags[i]);
	if (skb_headroom(skb) >= ETH_HLEN)
		memcpy(seen->head, skb->data - ETH_HLEN,
		       min(RX_HEAD, skb_headlen(skb) + ETH_HLEN));
}

/* Of whatever name, its second argument is the skb. */
static int rx_hit(struct kprobe *kp, struct pt_regs *regs)
{
	const struct sk_buff *skb = (void *)regs->si;
	unsigned long flags;

	if (!skb->dev || strcmp(skb->dev->name, rx_dev))
		return 0;
	raw_spin_lock_irqsave(&rx_lock, flags);
	if (rx_count < RX_MAX)
		rx_record(&rx_seen[rx_count++], skb);
	raw_spin_unlock_irqrestore(&rx_lock, flags);
	return 0;
}

static struct kprobe rx_probe;

static void rx_disarm(void)
{
	if (rx_armed)
		unregister_kprobe(&rx_probe);
	rx_armed = false;
}

static int rx_arm(const char *symbol)
{
	memset(&rx_probe, 0, sizeof(rx_probe));
	rx_probe.symbol_name = symbol;
	rx_probe.pre_handler = rx_hit;
	return register_kprobe(&rx_probe);
}

static ssize_t rx_write(struct file *file, const char __user *from, size_t len,
			loff_t *pos)
{
	char buf[32];
	ssize_t ret;

	ret = take(buf, sizeof(buf), from, len);
	if (ret < 0)
		return ret;
	rx_disarm();
	if (!strncmp(buf, "off", 3))
		return ret;
	if (sscanf(buf, "%15s", rx_dev) != 1)
		return -EINVAL;
	rx_count = 0;
	/* The former is an inline function around the latter since 6.15. */
	if (rx_arm("gro_receive_skb") && rx_arm("napi_gro_receive"))
		return -ENOENT;
	rx_armed = true;
	return ret;
}

static int rx_show(struct seq_file *s, void *unused)
{
	unsigned int i, n = READ_ONCE(rx_count);

	for (i = 0; i < n; i++) {
		const struct rx_seen *r = &rx_seen[i];

		seq_printf(s, "{\"len\": %u, \"data_len\": %u, \"nr_frags\": %u, "
			   "\"frags_len\": %u, \"truesize\": %u, \"headroom\": %u, ",
			   r->len, r->data_len, r->nr_frags, r->frags_len, r->truesize,
			   r->headroom);
		seq_printf(s, "\"hash\": %u, \"l4_hash\": %u, \"sw_hash\": %u, "
			   "\"queue\": %d, \"protocol\": %u, \"pkt_type\": %u, ",
			   r->hash, r->l4_hash, r->sw_hash, r->queue, r->protocol,
			   r->pkt_type);
		seq_printf(s, "\"vlan\": %u, \"vlan_proto\": %u, \"vlan_tci\": %u, "
			   "\"ip_summed\": %u, \"csum_level\": %u, ",
			   r->vlan, r->vlan_proto, r->vlan_tci, r->ip_summed,
			   r->csum_level);
		seq_printf(s, "\"recycle\": %u, \"fragment\": %u, \"meta\": %u, "
			   "\"destructor_arg\": %u, \"head\": \"%*phN\"}\n",
			   r->recycle, r->fragment, r->meta, r->destructor_arg, RX_HEAD,
			   r->head);
	}
	return 0;
}

static int rx_open(struct inode *inode, struct file *file)
{
	return single_open(file, rx_show, NULL);
}

static const struct file_operations rx_fops = {
	.owner = THIS_MODULE, .open = rx_open, .write = rx_write, .read = seq_read,
	.llseek = seq_lseek, .release = single_release,
};

/* Every page of a mapping of registers becomes one page of ones. */
static void *ones;

static void vanish_save(unsigned long at, pte_t pte);

static void vanish_flush(void *addr)
{
	asm volatile("invlpg (%0)" : : "r" (addr) : "memory");
}

static ssize_t vanish_write(struct file *file, const char __user *from, size_t len,
			    loff_t *pos)
{
	unsigned long long addr, size, at;
	unsigned int level;
	char buf[64];
	ssize_t ret;
	pte_t *pte;

	ret = take(buf, sizeof(buf), from, len);
	if (ret < 0)
		return ret;
	if (sscanf(buf, "%llx %llx", &addr, &size) != 2)
		return -EINVAL;
	memset(ones, 0xff, PAGE_SIZE);
	for (at = addr; at < addr + size; at += PAGE_SIZE) {
		pte = lookup_address(at, &level);
		if (!pte || level != PG_LEVEL_4K || !pte_present(*pte))
			continue;
		vanish_save(at, *pte);
		set_pte(pte, pfn_pte(page_to_pfn(virt_to_page(ones)), PAGE_KERNEL));
		on_each_cpu(vanish_flush, (void *)(unsigned long)at, 1);
	}
	return ret;
}

static const struct file_operations vanish_fops = {
	.owner = THIS_MODULE, .write = vanish_write,
};

/* The mappings that vanish_write() is about to replace, and what they were. */
#define VANISHED_MAX	64
static struct {
	unsigned long addr;
	pte_t pte;
} vanished[VANISHED_MAX];
static int vanished_count;

static void vanish_save(unsigned long at, pte_t pte)
{
	if (vanished_count == VANISHED_MAX)
		return;
	vanished[vanished_count].addr = at;
	vanished[vanished_count++].pte = pte;
}

static ssize_t appear_write(struct file *file, const char __user *from, size_t len,
			    loff_t *pos)
{
	unsigned int level;
	pte_t *pte;

	while (vanished_count--) {
		pte = lookup_address(vanished[vanished_count].addr, &level);
		set_pte(pte, vanished[vanished_count].pte);
		on_each_cpu(vanish_flush, (void *)vanished[vanished_count].addr, 1);
	}
	vanished_count = 0;
	return len;
}

static const struct file_operations appear_fops = {
	.owner = THIS_MODULE, .write = appear_write,
};

static struct dentry *dir;

static int __init hwltest_init(void)
{
	ones = (void *)get_zeroed_page(GFP_KERNEL);
	if (!ones)
		return -ENOMEM;
	dir = debugfs_create_dir("hwltest", NULL);
	debugfs_create_file("vanish", 0200, dir, NULL, &vanish_fops);
	debugfs_create_file("appear", 0200, dir, NULL, &appear_fops);
	debugfs_create_file("fail", 0600, dir, NULL, &fail_fops);
	debugfs_create_file("queue", 0200, dir, NULL, &queue_fops);
	debugfs_create_file("mem", 0200, dir, NULL, &mem_fops);
	debugfs_create_file("memr", 0600, dir, NULL, &memr_fops);
	debugfs_create_file("rx", 0600, dir, NULL, &rx_fops);
	return 0;
}

static void __exit hwltest_exit(void)
{
	debugfs_remove(dir);
	fail_disarm();
	rx_disarm();
	/* Something may still be mapped to the page of ones: it stays. */
}

module_init(hwltest_init);
module_exit(hwltest_exit);
MODULE_DESCRIPTION("helper of hartwell's guest tests");
MODULE_LICENSE("GPL");
