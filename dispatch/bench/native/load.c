/* The bench's load generator: many Socket.IO connections from one thread, so cheap that the server is what is measured.
 *
 * load PORT TECHNICIANS CUSTOMERS [deflate]
 *   TECHNICIANS: lines "TOKEN LAT LNG"; CUSTOMERS: lines "TOKEN BOOKING" (they track it); "-" for no file.
 * It obeys one command a line on stdin and answers each with one line of JSON; heartbeats are answered meanwhile.
 *   open KIND FROM COUNT WINDOW      opens sockets (KIND t or c), WINDOW handshakes under way at a time
 *   close FROM COUNT                 closes technicians' sockets
 *   ack COUNT WINDOW TOTAL FIXES     acknowledged frames over COUNT sockets in turn, WINDOW unanswered at a time
 *   flood COUNT EACH FIXES           every socket writes EACH frames as fast as TCP takes them, the last acknowledged
 *   paced COUNT RATE SECONDS FIXES   RATE acknowledged frames a second, in turn, whatever the answers do
 *   storm FROM COUNT WINDOW RATE     closes COUNT sockets and opens them again while the first FROM are paced; the time is
 *                                    that of the opening, the answers are those from the first closing on
 *   fan TOTAL WINDOW                 technician 0 reports, every customer must hear of each
 *   accepts 0|1                      whether technicians who hear of an offer take it at once, from now on
 *   quit
 * Every fix is new: 12 m on from the technician's last, and later than it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Between two fixes of a socket: a phone's clock may not outrun the server's, however fast it sends. */
#define STEP_MS 0.05

enum state { CLOSED, SHAKING, OPENING, JOINING, TRACKING, READY };

typedef struct {
  int fd, held, unanswered;
  enum state state;
  unsigned char *rest; /* of a frame that is not whole yet */
  char *token, *booking;
  double lat, lng, way, sent_at, t_ms;
  long heard;
} Socket;

static Socket *sockets;
static int technicians, customers, epoll, port, offer_deflate, opening, accepts;
static long acks, admitted, refused, moved, closed_by_server;
static double *times, *fan_sent;
static long n_times, most_times, fan_total;
static struct epoll_event ready[1024];

static double now_s(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static long wall_ms(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec * 1000L + t.tv_nsec / 1000000; }
static void fail(const char *what) { fprintf(stderr, "load: %s: %s\n", what, strerror(errno)); exit(2); }
static int by_value(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return (x > y) - (x < y); }
static void took(double seconds) { if (n_times < most_times) times[n_times++] = seconds; }
static void expect_times(long most) { free(times); times = malloc(8 * (most + 1)); most_times = most; n_times = 0; }

/* ---- frames ---- */

static int masked(char *out, const char *text, int size) {
  unsigned char *at = (unsigned char *)out, key[4];
  unsigned r = (unsigned)rand();
  memcpy(key, &r, 4);
  *at++ = 0x81;
  if (size < 126) *at++ = 0x80 | size;
  else { *at++ = 0x80 | 126; *at++ = size >> 8; *at++ = size; }
  memcpy(at, key, 4);
  at += 4;
  for (int i = 0; i < size; i++) *at++ = text[i] ^ key[i & 3];
  return (char *)at - out;
}

static void put(Socket *s, const char *data, int size) {
  while (size > 0) {
    int n = send(s->fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) { usleep(50); continue; }
    if (n < 0) return; /* it is told when it is read */
    data += n; size -= n;
  }
}

static void say(Socket *s, const char *text) {
  char out[8192];
  put(s, out, masked(out, text, strlen(text)));
}

static int report(Socket *s, char *out, int fixes, int is_acked) {
  static char text[1 << 16];
  int size = sprintf(text, "42/technician,%s[\"location.report\",{\"fixes\":[", is_acked ? "17" : "");
  for (int i = 0; i < fixes; i++) {
    s->way += ((rand() & 1023) - 512) / 4096.0;
    s->lat += 12 * cos(s->way) / 111194.9;
    s->lng += 12 * sin(s->way) / 102000.0;
    s->t_ms += STEP_MS;
    size += sprintf(text + size, "%s[%.2f,%.6f,%.6f,5,11.5,123]", i ? "," : "", s->t_ms, s->lat, s->lng);
  }
  size += sprintf(text + size, "]}]");
  return masked(out, text, size);
}

/* A batch ends about now, so that no phone's clock seems wrong. */
static void freshen(int fixes) {
  double from = wall_ms() - (fixes > 1 ? 200 : 0);
  for (int i = 0; i < technicians; i++) if (sockets[i].t_ms < from) sockets[i].t_ms = from;
}

static int has(const unsigned char *p, int n, const char *word) { return memmem(p, n, word, strlen(word)) != NULL; }

static void joined(Socket *s) { s->state = READY; opening--; }

/* The offer of this frame is taken, under a number that nobody has had. */
static void take(Socket *s, const unsigned char *p, int n) {
  static unsigned long taken;
  const char *key = "\"offer_id\":\"";
  const char *id = memmem(p, n, key, strlen(key));
  char text[300];
  if (!id || id + strlen(key) + 36 > (const char *)p + n) return;
  snprintf(text, sizeof text, "42/technician,9[\"offer.accept\",{\"offer_id\":\"%.36s\",\"command_id\":\"%08x-0000-4000-8000-%012lx\"}]",
           id + strlen(key), (unsigned)rand(), ++taken);
  say(s, text);
}

static void frame_came(Socket *s, unsigned char *p, int n) {
  char text[6000];
  if (n == 1 && p[0] == '2') { say(s, "3"); return; }
  if (s->state == OPENING && p[0] == '0') {
    snprintf(text, sizeof text, "40/%s,{\"token\":\"%s\"}", s->booking ? "customer" : "technician", s->token);
    say(s, text);
    s->state = JOINING;
  } else if (s->state == JOINING && n > 1 && p[0] == '4' && p[1] == '0') {
    if (s->booking == NULL || s->booking[0] == '-') { joined(s); return; }
    snprintf(text, sizeof text, "42/customer,1[\"track.start\",{\"booking_id\":\"%s\"}]", s->booking);
    say(s, text);
    s->state = TRACKING;
  } else if (n > 1 && p[0] == '4' && p[1] == '4') {
    fprintf(stderr, "load: refused: %.*s\n", n > 300 ? 300 : n, p);
    exit(3);
  } else if (n > 1 && p[0] == '4' && p[1] == '3') {
    if (s->state == TRACKING) {
      if (!has(p, n, "\"ok\":true")) { fprintf(stderr, "load: %.*s\n", n, p); exit(3); }
      joined(s);
      return;
    }
    acks++;
    if (has(p, n, "\"ok\":true") && !has(p, n, "\"admitted\":0")) admitted++;
    else { if (!refused++) fprintf(stderr, "load: %.*s\n", n > 300 ? 300 : n, p); }
    if (s->unanswered) { s->unanswered = 0; took(now_s() - s->sent_at); }
  } else if (accepts && has(p, n < 60 ? n : 60, "[\"offer.made\",")) {
    take(s, p, n);
  } else if (fan_sent && has(p, n < 60 ? n : 60, "technician.moved")) {
    moved++;
    if (s->heard < fan_total) took(now_s() - fan_sent[s->heard++]);
  }
}

/* ---- connections ---- */

static void start(Socket *s, int number) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
  from.sin_addr.s_addr = htonl(0x7f000002 + number / 10000); /* an address has some 28,000 ports */
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (void *)&from, sizeof from)) fail("bind");
  if (connect(fd, (void *)&to, sizeof to) && errno != EINPROGRESS) fail("connect");
  s->fd = fd; s->state = SHAKING; s->held = s->unanswered = 0;
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.u32 = number};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  opening++;
}

static void stop(Socket *s) {
  struct linger hard = {1, 0}; /* no TIME_WAIT: ports run out otherwise */
  setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(s->fd);
  s->state = CLOSED; s->held = 0;
}

static void greet(Socket *s, int number) {
  char text[700];
  int n = sprintf(text,
      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", port,
      offer_deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
  put(s, text, n);
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = number};
  epoll_ctl(epoll, EPOLL_CTL_MOD, s->fd, &e);
}

static void came(Socket *s) {
  static unsigned char data[1 << 18];
  if (s->held) memcpy(data, s->rest, s->held);
  int n = recv(s->fd, data + s->held, sizeof data - s->held, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) { if (s->state != READY) opening--; closed_by_server++; stop(s); return; }
  int end = s->held + n, at = 0;
  if (s->state == SHAKING) {
    unsigned char *blank = memmem(data, end, "\r\n\r\n", 4);
    if (!blank) goto keep;
    if (memcmp(data + 9, "101", 3)) { fprintf(stderr, "load: %.*s\n", end, data); exit(3); }
    at = blank + 4 - data;
    s->state = OPENING;
  }
  while (end - at >= 2) {
    long size = data[at + 1] & 127;
    int head = 2;
    if (size == 126) { if (end - at < 4) break; size = data[at + 2] << 8 | data[at + 3]; head = 4; }
    else if (size == 127) { if (end - at < 10) break; size = 0; for (int i = 2; i < 10; i++) size = size << 8 | data[at + i]; head = 10; }
    if (end - at < head + size) break;
    if ((data[at] & 15) == 8) { fprintf(stderr, "load: closed: %.*s\n", (int)(size > 2 ? size - 2 : 0), data + at + head + 2); }
    else frame_came(s, data + at + head, size);
    at += head + size;
  }
keep:
  s->held = end - at;
  if (s->held > 65536) fail("a frame is too large");
  if (s->held) { if (!s->rest) s->rest = malloc(65536); memcpy(s->rest, data + at, s->held); }
}

static void look(int at, int most, int ms) {
  int n = epoll_wait(at, ready, most, ms);
  for (int i = 0; i < n; i++) {
    Socket *s = &sockets[ready[i].data.u32];
    if (s->state == CLOSED) continue;
    if (s->state == SHAKING && ready[i].events & EPOLLOUT) { greet(s, ready[i].data.u32); continue; }
    came(s);
  }
}

static void turn(int ms) { look(epoll, 1024, ms); }

/* ---- commands ---- */

static void answer(const char *what, int count, long frames, double seconds) {
  qsort(times, n_times, 8, by_value);
  double p50 = n_times ? times[n_times / 2] * 1e6 : 0, p99 = n_times ? times[(long)(n_times * .99)] * 1e6 : 0;
  printf("{\"what\":\"%s\",\"sockets\":%d,\"frames\":%ld,\"acks\":%ld,\"admitted\":%ld,\"refused\":%ld,\"lost\":%ld,\"seconds\":%.4f,"
         "\"per_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f}\n",
         what, count, frames, acks, admitted, refused, closed_by_server, seconds, frames / seconds, p50, p99);
  fflush(stdout);
}

static void open_all(int from, int count, int window) {
  double begun = now_s();
  for (int i = 0; i < count || opening;) {
    while (i < count && opening < window) { start(&sockets[from + i], from + i); i++; }
    turn(100);
    if (now_s() - begun > 120) fail("sockets do not open");
  }
  answer("open", count, count, now_s() - begun);
}

static void close_all(int from, int count) {
  double begun = now_s();
  for (int i = 0; i < count; i++) stop(&sockets[from + i]);
  answer("close", count, count, now_s() - begun);
}

static void ack(int count, int window, long total, int fixes) {
  static char out[1 << 17];
  expect_times(total);
  freshen(fixes);
  double begun = now_s();
  long sent = 0;
  int i = 0;
  while (acks < total && now_s() - begun < 60) {
    while (sent < total && sent - acks < window && !sockets[i].unanswered) {
      Socket *s = &sockets[i];
      int n = report(s, out, fixes, 1);
      s->unanswered = 1; s->sent_at = now_s();
      put(s, out, n);
      sent++;
      if (++i == count) i = 0;
    }
    turn(10);
  }
  answer("ack", count, sent, now_s() - begun);
}

static void flood(int count, int each, int fixes) {
  enum { BLOCK = 16 };
  typedef struct { char *data; int size, at, made; } Stream;
  Stream *streams = calloc(count, sizeof *streams);
  expect_times(0);
  freshen(fixes);
  for (int i = 0; i < count; i++) sockets[i].unanswered = 0;
  double begun = now_s();
  while (acks < count && now_s() - begun < 90) {
    int any = 0;
    for (int i = 0; i < count; i++) {
      Stream *b = &streams[i];
      if (b->at == b->size) {
        if (b->made == each) continue;
        if (!b->data) b->data = malloc(BLOCK * (200 + fixes * 64));
        b->at = b->size = 0;
        for (int k = 0; k < BLOCK && b->made < each; k++) { b->made++; b->size += report(&sockets[i], b->data + b->size, fixes, b->made == each); }
      }
      int n = send(sockets[i].fd, b->data + b->at, b->size - b->at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) { b->at += n; any = 1; }
      if ((i & 63) == 63) turn(0);
    }
    turn(any ? 0 : 1);
  }
  answer("flood", count, (long)count * each, now_s() - begun);
  for (int i = 0; i < count; i++) free(streams[i].data);
  free(streams);
}

/* Frames that are due are sent, whatever the answers do; one socket has one unanswered frame at most. */
static long pace(int count, double rate, double begun, double until, long sent, int fixes) {
  static char out[1 << 17];
  static int i;
  double t = now_s();
  long due = (long)(((t < until ? t : until) - begun) * rate);
  for (int k = 0; sent < due && k < 64; k++) {
    if (++i >= count) i = 0;
    Socket *s = &sockets[i];
    if (s->unanswered || s->state != READY) continue;
    int n = report(s, out, fixes, 1);
    s->unanswered = 1; s->sent_at = now_s();
    put(s, out, n);
    sent++;
  }
  return sent;
}

static void paced(int count, double rate, double seconds, int fixes) {
  expect_times((long)(rate * seconds) + 10);
  freshen(fixes);
  double begun = now_s();
  long sent = 0;
  while (now_s() < begun + seconds || (acks < sent && now_s() < begun + seconds + 5)) {
    sent = pace(count, rate, begun, begun + seconds, sent, fixes);
    turn(0);
  }
  answer("paced", count, sent, now_s() - begun);
}

/* Those that are paced are looked at apart and often: an answer of theirs is not to wait here behind thousands that open. */
static void storm(int from, int count, int window, double rate) {
  enum { FEW = 16 };
  int others = epoll_create1(0);
  expect_times((long)(rate * 120) + 10);
  freshen(1);
  for (int i = 0; i < from; i++) {
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(epoll, EPOLL_CTL_DEL, sockets[i].fd, &e);
    epoll_ctl(others, EPOLL_CTL_ADD, sockets[i].fd, &e);
  }
  double began = now_s(), begun = 0, done = 0;
  long sent = 0;
  for (int closed = 0, i = 0; !done || now_s() < done + .2;) {
    for (int k = 0; k < FEW && closed < count; k++) stop(&sockets[from + closed++]);
    if (closed == count && !begun) begun = now_s();
    for (int k = 0; k < FEW && begun && i < count && opening < window; k++, i++) start(&sockets[from + i], from + i);
    if (!done && i == count && !opening) done = now_s();
    sent = pace(from, rate, began, began + 120, sent, 1);
    look(others, 1024, 0);
    look(epoll, FEW, 0);
    if (now_s() - began > 120) fail("the storm does not end");
  }
  for (int i = 0; i < from; i++) {
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i].fd, &e);
  }
  close(others);
  answer("storm", count, count, done - begun);
}

static void fan(long total, int window) {
  static char out[4096];
  expect_times(total * customers);
  fan_sent = calloc(total, 8);
  fan_total = total;
  moved = 0;
  freshen(1);
  for (int i = 0; i < customers; i++) sockets[technicians + i].heard = 0;
  double begun = now_s();
  for (long sent = 0; moved < total * customers && now_s() - begun < 30; turn(10))
    while (sent < total && sent * customers - moved < (long)window * customers) {
      int n = report(&sockets[0], out, 1, 0);
      fan_sent[sent++] = now_s();
      put(&sockets[0], out, n);
    }
  answer("fan", customers, moved, now_s() - begun);
  free(fan_sent);
  fan_sent = NULL;
}

static int load(const char *path, int at, int are_customers) {
  FILE *file = strcmp(path, "-") ? fopen(path, "r") : NULL;
  char token[5000], booking[100];
  int n = 0;
  if (!file) return 0;
  for (; at + n < 200000; n++) {
    Socket *s = &sockets[at + n];
    if (are_customers) {
      if (fscanf(file, "%4999s %99s", token, booking) != 2) break;
      s->booking = strdup(booking);
    } else if (fscanf(file, "%4999s %lf %lf", token, &s->lat, &s->lng) != 3) break;
    s->token = strdup(token);
    s->way = n;
  }
  fclose(file);
  return n;
}

int main(int count, char **words) {
  char line[300], kind;
  int a, b, c;
  long total;
  double rate, seconds;
  if (count < 4) { fprintf(stderr, "load PORT TECHNICIANS CUSTOMERS [deflate]\n"); return 2; }
  port = atoi(words[1]);
  offer_deflate = count > 4;
  sockets = calloc(200000, sizeof *sockets);
  epoll = epoll_create1(0);
  technicians = load(words[2], 0, 0);
  customers = load(words[3], technicians, 1);
  expect_times(0);
  fcntl(0, F_SETFL, O_NONBLOCK);
  printf("{\"technicians\":%d,\"customers\":%d}\n", technicians, customers);
  fflush(stdout);
  for (int held = 0;;) {
    turn(20);
    int n = read(0, line + held, 1);
    if (n == 0) return 0;
    if (n < 0) continue;
    while (n == 1 && line[held] != '\n' && held < 290) { held++; while ((n = read(0, line + held, 1)) < 0) usleep(100); }
    line[held] = 0;
    held = 0;
    acks = admitted = refused = closed_by_server = 0;
    if (sscanf(line, "open %c %d %d %d", &kind, &a, &b, &c) == 4) open_all(kind == 'c' ? technicians + a : a, b, c);
    else if (sscanf(line, "close %d %d", &a, &b) == 2) close_all(a, b);
    else if (sscanf(line, "ack %d %d %ld %d", &a, &b, &total, &c) == 4) ack(a, b, total, c);
    else if (sscanf(line, "flood %d %d %d", &a, &b, &c) == 3) flood(a, b, c);
    else if (sscanf(line, "paced %d %lf %lf %d", &a, &rate, &seconds, &b) == 4) paced(a, rate, seconds, b);
    else if (sscanf(line, "storm %d %d %d %lf", &a, &b, &c, &rate) == 4) storm(a, b, c, rate);
    else if (sscanf(line, "fan %ld %d", &total, &a) == 2) fan(total, a);
    else if (sscanf(line, "accepts %d", &accepts) == 1) { printf("{\"accepts\":%d}\n", accepts); fflush(stdout); }
    else if (!strncmp(line, "quit", 4)) return 0;
    else { printf("{\"error\":\"no such command\"}\n"); fflush(stdout); }
  }
}
