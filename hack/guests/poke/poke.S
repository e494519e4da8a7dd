/*
 * The smallest kernel that Xen starts as a PV domain: it asks Xen to power its domain off and does nothing else.
 * Hatchery's controller starts it paused and destroys it: the end of any domain makes libvirtd's libxl driver look at
 * all domains that ended while it did not run (controller/lifecycle, "poke"). So it normally executes not one
 * instruction; if somebody unpauses it, it ends at once.
 *
 * Notes: xen/include/public/elfnote.h. A 64-bit PV hypercall is a syscall instruction with the number in rax, as Xen's
 * own hypercall page has it, so none is asked for.
 */
#define XEN_ELFNOTE_ENTRY 1
#define XEN_ELFNOTE_VIRT_BASE 3
#define XEN_ELFNOTE_XEN_VERSION 5
#define XEN_ELFNOTE_GUEST_OS 6
#define XEN_ELFNOTE_GUEST_VERSION 7
#define XEN_ELFNOTE_LOADER 8
#define XEN_ELFNOTE_PAE_MODE 9

#define HYPERVISOR_sched_op 29
#define SCHEDOP_shutdown 2
#define SHUTDOWN_poweroff 0

#define ELFNOTE(type, data...)                                                                                         \
	.pushsection .note.Xen, "a", @note;                                                                            \
	.align 4;                                                                                                      \
	.long 4, 2f - 1f, type;                                                                                        \
	.asciz "Xen";                                                                                                  \
	1 : data;                                                                                                      \
	2 : .align 4;                                                                                                  \
	.popsection

	ELFNOTE(XEN_ELFNOTE_GUEST_OS, .asciz "hatchery-poke")
	ELFNOTE(XEN_ELFNOTE_GUEST_VERSION, .asciz "1")
	ELFNOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
	ELFNOTE(XEN_ELFNOTE_VIRT_BASE, .quad 0)
	ELFNOTE(XEN_ELFNOTE_ENTRY, .quad _start)
	ELFNOTE(XEN_ELFNOTE_PAE_MODE, .asciz "yes")
	ELFNOTE(XEN_ELFNOTE_LOADER, .asciz "generic")

	.text
	.code64
	.globl _start
_start:
	movl $HYPERVISOR_sched_op, %eax
	movl $SCHEDOP_shutdown, %edi
	leaq reason(%rip), %rsi
	syscall
	jmp _start
	.align 4
reason:
	.long SHUTDOWN_poweroff

	.section .note.GNU-stack, "", @progbits
