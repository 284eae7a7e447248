# Replacements for three functions of the vDSO, x86-64. Assemble with
#   as --64 payload_amd64.asm -o payload.o && objcopy -O binary -j .text payload.o payload_amd64.bin
# The offsets given to .org are known to amd64.go, the data to bank.go.
.intel_syntax noprefix
.text

# int clock_gettime(clockid_t clock = edi, struct timespec *ts = rsi)
clock_gettime:
1:mov eax, 228                # __NR_clock_gettime; keeps rdi and rsi
  syscall
  test eax, eax
  jnz 9f                      # -errno is the answer
  cmp edi, 7
  ja 9f                       # not a clock that has a bit in the mask
  lea r8, [rip + data]
  mov r11, [r8]               # counts the changes; the lowest bit is the bank in use
  mov eax, r11d
  and eax, 1
  imul eax, eax, 104
  lea r8, [r8 + rax + 8]      # the bank: mask, offset, other, period, rate, four times (begin, end)
  mov eax, [r8]
  bt eax, edi
  jnc 8f
  mov ecx, edi                # which of the four times is the clock's: a nibble each
  shl ecx, 2
  mov r9d, 0x31020010
  shr r9d, cl
  and r9d, 3
  shl r9d, 4
  add r9, r8
  mov r10, [rsi]
  imul r10, r10, 1000000000
  add r10, [rsi + 8]          # real time in ns
  cmp r10, [r9 + 48]
  jge 8f                      # the clock has ended
  mov rcx, r10
  sub rcx, [r9 + 40]          # since it began
  mov rax, rcx
  imul qword ptr [r8 + 32]
  shrd rax, rdx, 32           # since * rate, of 2^-32 each
  add r10, rax
  mov r9, [r8 + 8]            # the offset
  mov rax, rcx
  mov rcx, [r8 + 24]
  test rcx, rcx
  jz 2f
  cqo
  idiv rcx
  test al, 1
  cmovnz r9, [r8 + 16]        # the other offset, in every second period
2:add r10, r9
  lea r8, [rip + data]
  cmp r11, [r8]
  jne 1b                      # the bank was changed while we read it
  mov rax, r10
  xor edx, edx                # unsigned is right: whoever sets it lets no clock show less than nothing
  mov ecx, 1000000000
  div rcx
  mov [rsi], rax
  mov [rsi + 8], rdx
8:xor eax, eax
9:ret

.org 0xe0
# int gettimeofday(struct timeval *tv = rdi, struct timezone *tz = rsi)
gettimeofday:
  push rdi
  push rsi
  sub rsp, 24
  test rdi, rdi
  jz 1f
  xor edi, edi                # CLOCK_REALTIME
  mov rsi, rsp
  call clock_gettime
  mov rdi, [rsp + 32]
  mov rax, [rsp]
  mov [rdi], rax
  mov rax, [rsp + 8]
  xor edx, edx
  mov ecx, 1000
  div rcx
  mov [rdi + 8], rax
1:mov rsi, [rsp + 24]
  test rsi, rsi
  jz 2f
  mov qword ptr [rsi], 0      # UTC, as the kernel has it nearly everywhere
2:add rsp, 40
  xor eax, eax
  ret

.org 0x130
# time_t time(time_t *t = rdi)
time:
  push rdi
  sub rsp, 16
  mov edi, 5                  # CLOCK_REALTIME_COARSE, as the kernel's own
  mov rsi, rsp
  call clock_gettime
  mov rax, [rsp]
  mov rdi, [rsp + 16]
  test rdi, rdi
  jz 1f
  mov [rdi], rax
1:add rsp, 24
  ret

.org 0x160
data:
  .quad 0                     # counts the changes
  .fill 26, 8, 0              # two banks
