#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh KDIR OUTFILE: ask the kernel built in KDIR, by compiling, which of
# several interfaces it has, and write the answers as macros to OUTFILE.
#
# Versions would not do: distributions backport. Each question is one object of
# a throw-away kbuild module, all compiled in one run; a question is answered
# with 1 if its object compiled. Two controls guard against a broken setup that
# would answer everything with 0: one must compile, one must not.
set -u

die()
{
	echo "pinfold: $*" >&2
	exit 1
}

[ $# -eq 2 ] || die "usage: probe.sh KDIR OUTFILE"
kdir=$1 outfile=$2
top=$(cd "$(dirname "$0")/../.." && pwd)

if [ ! -f "$kdir/Makefile" ] || [ ! -f "$kdir/include/generated/autoconf.h" ]; then
	die "$kdir is not the build tree of a configured kernel;" \
	    "install the kernel's headers or pass KDIR="
fi

# The answers stay valid as long as neither the questions nor the kernel change.
stamp="/* $(cat "$0" "$top/include/compat/version.h" \
	"$kdir/include/generated/autoconf.h" \
	"$kdir/include/generated/uapi/linux/version.h" \
	"$kdir/include/generated/utsrelease.h" 2>/dev/null | cksum) $kdir */"
[ "$(sed -n 2p "$outfile" 2>/dev/null)" = "$stamp" ] && exit 0

tmp=$(mktemp -d) || die "cannot make a temporary directory"
trap 'rm -rf "$tmp"' EXIT
questions=()

# question NAME HEADERS CODE: does CODE, at file scope, compile?
question()
{
	local header

	questions+=("$1")
	{
		for header in linux/module.h $2; do
			echo "#include <$header>"
		done
		echo "$3"
	} > "$tmp/$1.c"
}

question CONTROL_GOOD compat/version.h \
	'int probe(void); int probe(void) { return HZ; }'
question CONTROL_BAD linux/kernel.h \
	'int probe(void); int probe(void) { return no_such_function(1); }'

# 6.7: shrinkers are allocated by the kernel
question SHRINKER_ALLOC linux/shrinker.h \
	'struct shrinker *probe(void);
	 struct shrinker *probe(void) { return shrinker_alloc(0, "probe"); }'
# 6.5: blk_mode_t instead of fmode_t
question BLK_MODE linux/blkdev.h \
	'blk_mode_t probe(void); blk_mode_t probe(void) { return BLK_OPEN_READ; }'
# 6.9: limits are an argument of blk_alloc_disk()
question ALLOC_DISK_LIMITS linux/blkdev.h \
	'struct gendisk *probe(struct queue_limits *lim);
	 struct gendisk *probe(struct queue_limits *lim)
	 { return blk_alloc_disk(lim, 0); }'
# 6.11: and features one of the limits
question BLK_FEATURES linux/blkdev.h \
	'void probe(struct queue_limits *lim);
	 void probe(struct queue_limits *lim)
	 { lim->features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA | BLK_FEAT_DAX |
			   BLK_FEAT_SYNCHRONOUS; }'
# until 6.2
question RW_PAGE linux/blkdev.h \
	'int probe(const struct block_device_operations *ops);
	 int probe(const struct block_device_operations *ops)
	 { return ops->rw_page != 0; }'
# 6.5: poison is -EHWPOISON, and this helper turns it back into -EIO
question DAX_EHWPOISON linux/dax.h \
	'int probe(void); int probe(void) { return dax_mem2blk_err(0); }'
# 6.5: who claims a block device says what it is
question BDEV_HOLDER_OPS linux/blkdev.h \
	'const void *probe(void); const void *probe(void) { return &fs_holder_ops; }'
# 6.10: __assign_str() takes the source from the field's declaration
question ASSIGN_STR_1ARG trace/stages/stage6_event_callback.h \
	'#define STR(...) #__VA_ARGS__
	 #define EXPANDED(...) STR(__VA_ARGS__)
	 extern const char *probe; const char *probe = EXPANDED(__assign_str(a));'

# until 6.5
question GUP_VMAS linux/mm.h \
	'long probe(struct mm_struct *mm, struct vm_area_struct **vmas);
	 long probe(struct mm_struct *mm, struct vm_area_struct **vmas)
	 { return pin_user_pages_remote(mm, 0, 1, 0, NULL, vmas, NULL); }'
# until 6.11
question MIGRATE_NO_COPY linux/migrate_mode.h \
	'int probe(void); int probe(void) { return MIGRATE_SYNC_NO_COPY; }'
# 6.3: how to allocate is an argument, not a part of the name
question IOMMU_MAP_GFP linux/iommu.h \
	'int probe(struct iommu_domain *domain);
	 int probe(struct iommu_domain *domain)
	 { return iommu_map(domain, 0, 0, PAGE_SIZE, 0, GFP_ATOMIC); }'

{
	echo "ccflags-y := -I$top/include"
	printf 'obj-m += %s.o\n' "${questions[@]}"
} > "$tmp/Kbuild"

compile()
{
	make -k -s -j"$(nproc)" -C "$kdir" M="$tmp" W= C=0 "$@" > "$tmp/log" 2>&1
}

compile "${questions[@]/%/.o}"

if [ ! -f "$tmp/CONTROL_GOOD.o" ]; then
	if grep -q 'this kernel is not supported' "$tmp/log"; then
		release=$(sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' \
			"$kdir/include/generated/utsrelease.h")
		die "kernel $release is not supported" \
		    "($(sed -n 's/^#error.*(\(.*\)).*/\1/p' "$top/include/compat/version.h"));" \
		    "build for another one with KDIR="
	fi
	compile CONTROL_GOOD.o
	cat "$tmp/log" >&2
	die "nothing compiles against $kdir; see the errors above"
fi
[ ! -f "$tmp/CONTROL_BAD.o" ] ||
	die "the compiler accepts anything against $kdir; check CC and KCFLAGS"

{
	echo "/* Answers of include/compat/probe.sh: made, not written. */"
	echo "$stamp"
	for q in "${questions[@]}"; do
		case $q in
		CONTROL_*) continue ;;
		esac
		answer=0
		[ -f "$tmp/$q.o" ] && answer=1
		echo "#define PINFOLD_HAVE_$q $answer"
	done
} > "$tmp/answers"
mv -f "$tmp/answers" "$outfile" || die "cannot write $outfile"
