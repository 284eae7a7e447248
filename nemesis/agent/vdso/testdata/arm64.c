/* Runs the arm64 payload as the functions that it is. Arguments: its file,
   where its data is, and where its gettimeofday. Standard input: the data, in
   hexadecimal. Tells of each clock what the C library says, the payload, and
   the C library again: "clock before shown after". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long of(int (*get)(clockid_t, struct timespec *), clockid_t id) {
  struct timespec ts;
  if (get(id, &ts) != 0) return -1;
  return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int file = open(argv[1], O_RDONLY);
  if (file < 0 || read(file, page, 4096) <= 0) return 3;
  long data = strtol(argv[2], NULL, 0), gtod = strtol(argv[3], NULL, 0);
  unsigned byte;
  for (long at = data; scanf("%2x", &byte) == 1; at++) page[at] = byte;
  if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0) return 4;
  __builtin___clear_cache(page, page + 4096);
  int (*shown)(clockid_t, struct timespec *) = (void *)page;
  int (*day)(struct timeval *, void *) = (void *)(page + gtod);
  for (int id = 0; id < 12; id++) {
    long long before = of(clock_gettime, id), at = of(shown, id), after = of(clock_gettime, id);
    printf("%d %lld %lld %lld\n", id, before, at, after);
  }
  struct timeval tv;
  struct timezone tz = {1, 1};
  long long before = of(clock_gettime, 0);
  if (day(&tv, &tz) != 0 || day(NULL, NULL) != 0 || tz.tz_minuteswest != 0 || tz.tz_dsttime != 0) return 5;
  printf("gettimeofday %lld %lld %lld\n", before, tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL, of(clock_gettime, 0));
  return 0;
}
