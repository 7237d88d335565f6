# The emulated machine's only program, in place of a BIOS: from reset to 64-bit mode with AVX-512 switched on, then
#
#   load the image from the disk, call every function in its table, write the results behind the image, shut down.
#
# There is no interrupt table: an exception is a triple fault, at which Bochs stops and prints the registers.
# The image begins with this header, quadwords at HEADER; sectors are 512 bytes:
        .set HEADER, 0x100000
        .set SECTORS, 0         # to load behind the header's own
        .set CALLS, 8           # how many, and where: (function, argument)
        .set REGIONS, 24        # how many results, and where: (address, sectors)
        .set FILL, 40           # before the calls: from where, how many doublewords
        .set PATTERN, 56        # and what
        .set STACK, 0x9f000     # grows down through conventional memory
        .set STACK_END, 0x10000

        .text
        .code32
protected_mode:
        mov     $0x10, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x40620, %eax          # CR4: PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
        mov     %eax, %cr4
        mov     $level4, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx       # EFER: long mode
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     $0x80000033, %eax       # CR0: paging, native exceptions, monitor coprocessor, protection
        mov     %eax, %cr0
        ljmp    $0x18, $long_mode

        .code64
long_mode:
        mov     $STACK, %esp
        xor     %ecx, %ecx
        xor     %edx, %edx
        mov     $0xe7, %eax             # XCR0: x87, SSE, AVX, mask registers, both parts of ZMM
        xsetbv
        ldmxcsr mxcsr
        cld
        mov     $2, %al                 # the disk raises no interrupts
        mov     $0x3f6, %dx
        out     %al, %dx

        xor     %r14d, %r14d            # the next sector on the disk
        mov     $HEADER, %ebx
        mov     %ebx, %edi
        mov     $1, %r15d
        call    read
        mov     SECTORS(%rbx), %r15
        call    read
        mov     PATTERN(%rbx), %eax
        mov     $STACK_END, %edi        # nothing that was never written passes for a zero
        mov     $(STACK - STACK_END - 256) / 4, %ecx
        rep stosl
        mov     FILL(%rbx), %rdi
        mov     FILL + 8(%rbx), %rcx
        rep stosl

        mov     CALLS(%rbx), %r12
        mov     CALLS + 8(%rbx), %rbp
call:   sub     $1, %r12
        jc      called
        mov     8(%rbp), %rdi
        call    *(%rbp)
        add     $16, %rbp
        jmp     call

called: cld
        mov     REGIONS(%rbx), %r12
        mov     REGIONS + 8(%rbx), %rbp
region: sub     $1, %r12
        jc      finished
        mov     (%rbp), %rsi
        mov     8(%rbp), %r15
        add     $16, %rbp
write:  sub     $1, %r15
        jc      region
        mov     $0x30, %cl              # ATA: write a sector
        call    command
        rep outsw
        jmp     write

read:   sub     $1, %r15                # r15 sectors to rdi
        jc      1f
        mov     $0x20, %cl              # ATA: read a sector
        call    command
        rep insw
        jmp     read
1:      ret

command:                                # cl on sector r14, then r14 += 1; leaves dx and ecx ready for the transfer
        call    ready
        mov     %r14d, %eax
        shr     $24, %eax
        or      $0xe0, %al
        mov     $0x1f6, %dx
        out     %al, %dx
        mov     $0x1f2, %dx
        mov     $1, %al
        out     %al, %dx
        mov     %r14d, %eax
        inc     %dx
        out     %al, %dx
        shr     $8, %eax
        inc     %dx
        out     %al, %dx
        shr     $8, %eax
        inc     %dx
        out     %al, %dx
        inc     %r14d
        mov     %cl, %al
        mov     $0x1f7, %dx
        out     %al, %dx
        call    ready
        mov     $0x1f0, %dx
        mov     $256, %ecx
        ret

ready:  mov     $0x1f7, %dx
1:      in      %dx, %al
        test    $0x80, %al              # busy
        jnz     1b
        test    $0x21, %al              # error, device fault
        jz      2f
        ud2
2:      ret

finished:
        call    ready                   # the last sector is on the disk
        mov     $0x8900, %dx
        mov     $shutdown, %esi
        mov     $8, %ecx
        rep outsb
        hlt

# What LLVM may call.
        .globl  memcpy, memset
memcpy: mov     %rdi, %rax
        mov     %rdx, %rcx
        rep movsb
        ret
memset: mov     %rdi, %r8
        mov     %esi, %eax
        mov     %rdx, %rcx
        rep stosb
        mov     %r8, %rax
        ret

shutdown:
        .ascii  "Shutdown"
        .balign 8
mxcsr:  .long   0x1f80                  # all exceptions masked, round to nearest, subnormals kept
gdtr:   .word   31
        .long   gdt
        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff      # 0x08: 32-bit code
        .quad   0x00cf93000000ffff      # 0x10: data
        .quad   0x00af9b000000ffff      # 0x18: 64-bit code

# The first 4 GB at their own addresses, in pages of 1 GB. Accessed and dirty are set: a ROM cannot be marked.
        .balign 4096
level4: .quad   level3 + 0x63
        .balign 4096
level3: .quad   0x000000e3, 0x400000e3, 0x800000e3, 0xc00000e3
        .balign 4096

        .org    0xff00
        .code16
real_mode:
        cli
        lgdtl   %cs:(gdtr - protected_mode)
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $0x08, $protected_mode
        .org    0xfff0                  # where a processor starts
        jmp     real_mode
        .org    0x10000
