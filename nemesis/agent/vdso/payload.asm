# Replacements for three functions of the vDSO. Assemble with
#   as payload.asm -o payload.o && objcopy -O binary -j .text payload.o payload.bin
# The offsets given to .org are known to image.go.
.intel_syntax noprefix
.text

# int clock_gettime(clockid_t clock = edi, struct timespec *ts = rsi)
clock_gettime:
  mov eax, 228                # __NR_clock_gettime; keeps rdi and rsi
  syscall
  test eax, eax
  jnz 9f                      # -errno is the answer
  cmp edi, 31
  ja 9f                       # not a clock that has a bit in the mask
  lea r8, [rip + data]
  mov rax, [r8]               # which bank is in use
  and eax, 1
  shl eax, 5
  lea r8, [r8 + rax + 8]      # the bank: mask, offset, end, spare
  mov rax, [r8]
  bt rax, rdi
  jnc 8f
  mov rax, [rsi]
  imul rax, rax, 1000000000
  add rax, [rsi + 8]          # real time in ns
  cmp rax, [r8 + 16]
  jge 8f                      # the offset has ended
  add rax, [r8 + 8]
  xor edx, edx                # unsigned is right, for times after 1970
  mov ecx, 1000000000
  div rcx
  mov [rsi], rax
  mov [rsi + 8], rdx
8:xor eax, eax
9:ret

.org 0x70
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

.org 0xd0
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

.org 0x100
data:
  .quad 0                     # which bank is in use
  .fill 8, 8, 0               # two banks
