// Replacements for two functions of the vDSO, arm64 (which has no time).
// Assemble with
//   aarch64-linux-gnu-as payload_arm64.asm -o payload.o
//   aarch64-linux-gnu-objcopy -O binary -j .text payload.o payload_arm64.bin
// The offsets given to .org are known to arm64.go, the data to bank.go.
.text

// int clock_gettime(clockid_t clock = w0, struct timespec *ts = x1)
clock_gettime:
  mov w9, w0
1:mov w0, w9
  mov x8, #113                // __NR_clock_gettime; keeps all but x0
  svc #0
  cbnz w0, 9f                 // -errno is the answer
  cmp w9, #7
  b.hi 9f                     // not a clock that has a bit in the mask
  adr x10, data
  ldar x11, [x10]             // counts the changes; the lowest bit is the bank in use
  and x12, x11, #1
  mov x13, #104
  madd x12, x12, x13, x10
  add x12, x12, #8            // the bank: mask, offset, other, period, rate, four times (begin, end)
  ldr w13, [x12]
  lsr w13, w13, w9
  tbz w13, #0, 9f
  mov w13, #0x0010            // which of the four times is the clock's: a nibble each
  movk w13, #0x3102, lsl #16
  lsl w14, w9, #2
  lsr w13, w13, w14
  and x13, x13, #3
  add x13, x12, x13, lsl #4
  ldp x14, x15, [x1]
  mov w16, #0xca00            // 1000000000
  movk w16, #0x3b9a, lsl #16
  madd x14, x14, x16, x15     // real time in ns
  ldp x15, x17, [x13, #40]
  cmp x14, x17
  b.ge 9f                     // the clock has ended
  sub x15, x14, x15           // since it began
  ldp x2, x3, [x12, #24]      // period, rate
  mul x4, x15, x3
  smulh x5, x15, x3
  extr x4, x5, x4, #32        // since * rate, of 2^-32 each
  add x14, x14, x4
  ldp x4, x5, [x12, #8]       // the offset, the other
  cbz x2, 2f
  sdiv x15, x15, x2
  tst x15, #1
  csel x4, x5, x4, ne         // the other offset, in every second period
2:add x14, x14, x4
  dmb ishld                   // what was read above was read before
  ldr x2, [x10]
  cmp x2, x11
  b.ne 1b                     // the bank was changed while we read it
  udiv x15, x14, x16          // unsigned is right: whoever sets it lets no clock show less than nothing
  msub x14, x15, x16, x14
  stp x15, x14, [x1]
9:ret

.org 0xe0
// int gettimeofday(struct timeval *tv = x0, struct timezone *tz = x1)
gettimeofday:
  stp x29, x30, [sp, #-48]!
  mov x29, sp
  stp x0, x1, [sp, #16]
  cbz x0, 1f
  mov w0, #0                  // CLOCK_REALTIME
  add x1, sp, #32
  bl clock_gettime
  ldr x0, [sp, #16]
  ldp x1, x2, [sp, #32]
  mov x3, #1000
  udiv x2, x2, x3
  stp x1, x2, [x0]
1:ldr x1, [sp, #24]
  cbz x1, 2f
  str xzr, [x1]               // UTC, as the kernel has it nearly everywhere
2:mov w0, #0
  ldp x29, x30, [sp], #48
  ret

.org 0x140
data:
  .quad 0                     // counts the changes
  .fill 26, 8, 0              // two banks
