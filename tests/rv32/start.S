# Reset, traps, semihosting and the instruction counter of QEMU's `virt` machine.

  .option arch, +zicsr

  .section .text.start, "ax"
  .globl _start
_start:
  la sp, stack_end
  la t0, trapped
  csrw mtvec, t0
  la t0, bss_start
  la t1, bss_end
1:
  bgeu t0, t1, 2f
  sw zero, 0(t0)
  addi t0, t0, 4
  j 1b
2:
  call main
  call leave

  .balign 4
trapped:
  la sp, stack_end
  csrr a0, mcause
  csrr a1, mepc
  call reportTrap

# uint32_t instructions(void): what this hart has retired, modulo 2^32.
  .text
  .globl instructions
instructions:
  csrr a0, minstret
  ret

# long semihost(long operation, const void* argument). The three instructions are the call: none of
# them compressed, all in one page.
  .option push
  .option norvc
  .balign 16
  .globl semihost
semihost:
  slli zero, zero, 0x1f
  ebreak
  srai zero, zero, 7
  ret
  .option pop
