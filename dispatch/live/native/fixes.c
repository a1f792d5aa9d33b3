/* The short way of the usual frame of location.report, from its bytes to its rows of the history.
 *
 *   read(frame, start)   what api/realtime/locations.py calls a WholeFrame: its pings, oldest first
 *   run(...)             geo/filter.py, FixFilter.admit_run(), over all of them, and storage/history.py, Packed.add()
 *
 * Both answer None to whatever is not as usual, and neither changes anything: Python then takes the same frame by its own
 * way, which is the one that says what is right. tests/dispatch/live/native/ holds the two equal, to the bit.
 *
 * The bounds (MOST_FIXES, MAX_T_MS ...) are written into the compiler's command line by build.py from their Python names.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "doubles are not rounded to 64 bits here, so results would differ from Python's"
#endif

/* NAN where an optional value is not there. */
typedef struct { double t_ms, lat, lng, accuracy_m, speed_mps, heading_deg; } Ping;

/* ---------------------------------------------------------------- JSON, without spaces, as clients write it */

typedef struct { const char *at, *end; } Text;

static int is_digit(const Text *text) {
  return text->at < text->end && *text->at >= '0' && *text->at <= '9';
}

/* Whether the text goes on with this; then it is behind us. */
static int take(Text *text, const char *token) {
  size_t size = strlen(token);
  if ((size_t)(text->end - text->at) < size || memcmp(text->at, token, size)) return 0;
  text->at += size;
  return 1;
}

#define MOST_DIGITS 19

/* digits / 10^places, rounded to the nearest double; 0 where that is left to strtod. */
static int quotient(uint64_t digits, Py_ssize_t places, double *value) {
  static const uint64_t tens[MOST_DIGITS + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
    10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
    10000000000000000000u};
  if (digits <= (uint64_t)1 << 53) {
    /* Both are exact, so the quotient is the nearest double (W. D. Clinger, "How to Read Floating Point Numbers"). */
    *value = (double)digits / (double)tens[places];
    return 1;
  }
#ifdef __SIZEOF_INT128__
  /* In 63 more bits. Where at least two are beyond a double's 53, the last one may stand for all that follow. */
  __extension__ typedef unsigned __int128 Wide;
  Wide scaled = (Wide)digits << 63, whole = scaled / tens[places];
  if (whole >> 55) {
    *value = ldexp((double)(whole | (whole * tens[places] != scaled)), -63);
    return 1;
  }
#endif
  return 0;
}

/* A number as strtod rounds it. 0 for what is none, has an exponent or too many digits, or is -0, which as an integer is 0. */
static int number(Text *text, double *value) {
  char copy[40];
  const char *first = text->at, *whole;
  uint64_t digits = 0;
  int is_negative = take(text, "-");
  for (whole = text->at; is_digit(text); text->at++) digits = digits * 10 + (uint64_t)(*text->at - '0');
  Py_ssize_t count = text->at - whole, places = 0, size;
  if (count == 0 || (count > 1 && *whole == '0')) return 0;
  if (take(text, ".")) {
    const char *fraction = text->at;
    for (; is_digit(text); text->at++) digits = digits * 10 + (uint64_t)(*text->at - '0');
    places = text->at - fraction;
    if (places == 0) return 0;
  }
  if (count + places <= MOST_DIGITS && quotient(digits, places, value)) {
    if (is_negative) *value = -*value;
  } else {
    size = text->at - first;
    if (size >= (Py_ssize_t)sizeof copy) return 0;
    memcpy(copy, first, (size_t)size);
    copy[size] = 0;
    *value = PyOS_string_to_double(copy, NULL, NULL);
    if (PyErr_Occurred()) {
      PyErr_Clear();
      return 0;
    }
  }
  return !(is_negative && *value == 0.0);
}

static int within(Text *text, double least, double most, double *value) {
  return number(text, value) && *value >= least && *value <= most;
}

static int optional(Text *text, double most, double *value) {
  if (!take(text, "null")) return within(text, 0.0, most, value);
  *value = NAN;
  return 1;
}

static int ping(Text *text, Ping *p) {
  p->accuracy_m = p->speed_mps = p->heading_deg = NAN;
  return take(text, "[") && within(text, 0.0, MAX_T_MS, &p->t_ms)
      && take(text, ",") && within(text, -90.0, 90.0, &p->lat)
      && take(text, ",") && within(text, -180.0, 180.0, &p->lng)
      && (p->lat != 0.0 || p->lng != 0.0)
      && (!take(text, ",") || (optional(text, MAX_ACCURACY_M, &p->accuracy_m)
      && (!take(text, ",") || (optional(text, MAX_SPEED_MPS, &p->speed_mps)
      && (!take(text, ",") || optional(text, MAX_HEADING_DEG, &p->heading_deg))))))
      && take(text, "]");
}

/* How many, in the order of their times, and of equal ones in that of the frame; 0 for none and for too many. */
static Py_ssize_t read_pings(Text *text, Ping *pings) {
  Py_ssize_t count = 0, place;
  Ping next;
  if (!take(text, "[")) return 0;
  do {
    if (count == MOST_FIXES || !ping(text, &next)) return 0;
    for (place = count++; place && pings[place - 1].t_ms > next.t_ms; place--) pings[place] = pings[place - 1];
    pings[place] = next;
  } while (take(text, ","));
  return take(text, "]") ? count : 0;
}

static Py_ssize_t payload(Text *text, Ping *pings, double *sent_at_ms) {
  Py_ssize_t count;
  *sent_at_ms = NAN;
  if (take(text, "{\"sent_at_ms\":")) {
    if (!optional(text, MAX_T_MS, sent_at_ms) || !take(text, ",\"fixes\":") || !(count = read_pings(text, pings))) return 0;
  } else {
    if (!take(text, "{\"fixes\":") || !(count = read_pings(text, pings))) return 0;
    if (take(text, ",\"sent_at_ms\":") && !optional(text, MAX_T_MS, sent_at_ms)) return 0;
  }
  return take(text, "}]") && text->at == text->end ? count : 0;
}

static PyObject *known(double value) {
  if (isnan(value)) Py_RETURN_NONE;
  return PyFloat_FromDouble(value);
}

/* A tuple, or one of its named kinds, of these fields, which it takes over; NULL where one of them could not be made. */
static PyObject *record(PyObject *type, int size, PyObject **fields) {
  PyObject *made = NULL;
  int n, is_whole = 1;
  for (n = 0; n < size; n++) is_whole &= fields[n] != NULL;
  if (is_whole) made = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, size);
  for (n = 0; n < size; n++) {
    if (made) PyTuple_SET_ITEM(made, n, fields[n]);
    else Py_XDECREF(fields[n]);
  }
  return made;
}

static int is_record(PyObject *type) {
  return PyType_Check(type) && PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type);
}

PyDoc_STRVAR(read_doc,
"read(Batch, frame, start) -> Batch(pings, size, newest_ms, sent_at_ms) | None\n\n"
"The payload of a frame, from `start` to the array's end: its pings as packed doubles, NaN for what is not there.");

static PyObject *read_frame(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t given) {
  Py_buffer frame;
  Py_ssize_t start, count = 0;
  Ping pings[MOST_FIXES];
  double sent_at_ms = NAN;
  if (given != 3 || !is_record(args[0])) return PyErr_Format(PyExc_TypeError, "read() takes a class, a frame and a place");
  start = PyLong_AsSsize_t(args[2]);
  if ((start == -1 && PyErr_Occurred()) || PyObject_GetBuffer(args[1], &frame, PyBUF_SIMPLE)) return NULL;
  if (start >= 0 && start <= frame.len) {
    Text text = {(const char *)frame.buf + start, (const char *)frame.buf + frame.len};
    count = payload(&text, pings, &sent_at_ms);
  }
  PyBuffer_Release(&frame);
  if (!count) Py_RETURN_NONE;
  PyObject *fields[] = {
    PyBytes_FromStringAndSize((const char *)pings, count * (Py_ssize_t)sizeof(Ping)), PyLong_FromSsize_t(count),
    PyFloat_FromDouble(pings[count - 1].t_ms), known(sent_at_ms)};
  return record(args[0], 4, fields);
}

/* ---------------------------------------------------------------- the filter; operations in the order of Python's */

static double haversine_m(double lat1, double lng1, double lat2, double lng2) {
  double phi1 = lat1 * RADIAN, phi2 = lat2 * RADIAN;
  double north = sin((phi2 - phi1) / 2.0), east = sin((lng2 - lng1) * RADIAN / 2.0);
  double a = north * north + cos(phi1) * cos(phi2) * east * east;
  return 2.0 * EARTH_RADIUS_M * asin(sqrt(a < 1.0 ? a : 1.0));
}

/* What a ping is compared with. */
typedef struct { double at_s, lat, lng, accuracy_m; } Known;

/* So near to `lat`, and below 70 degrees, the plane is as good as the sphere but for PLANE_MARGIN of a square. */
typedef struct { double lat, deg, east_m; } Plane;

/* The squared metres of a way; NAN, which is neither less nor more than anything, where the plane will not do. */
static double square_m(const Plane *plane, const Known *from, const Ping *to) {
  double north_m = (to->lat - from->lat) * METRES_PER_DEGREE, east_m = (to->lng - from->lng) * plane->east_m;
  int is_near = fabs(from->lat - plane->lat) < plane->deg && fabs(to->lat - plane->lat) < plane->deg
             && fabs(to->lng - from->lng) < plane->deg;
  return is_near ? north_m * north_m + east_m * east_m : NAN;
}

/* What became of pings: when each was, in unix seconds, and whether it is a move or only renews the one that is shown. */
typedef struct { double at_s; int is_move; } Verdict;

/* Whether each ping is newer than `last`, the trusted one before it, sharp and no jump. */
static int run_pings(const Ping *pings, Py_ssize_t count, Known last, Known shown, double now_s, double offset_s,
                     Verdict *verdicts) {
  Plane plane = {last.lat, fabs(last.lat) < PLANE_MAX_LAT ? PLANE_DEG : 0.0, METRES_PER_DEGREE * cos(last.lat * RADIAN)};
  const double still_square = DUPLICATE_M * DUPLICATE_M;
  for (Py_ssize_t n = 0; n < count; n++) {
    const Ping *p = &pings[n];
    if (!(0.0 <= p->accuracy_m && p->accuracy_m <= DECIDABLE_ACCURACY_M)) return 0;
    double at_s = p->t_ms / 1000.0 + offset_s;
    if (at_s > now_s) at_s = now_s;
    double interval_s = at_s - last.at_s;
    if (!(0.0 < interval_s && interval_s <= GAP_S) || now_s - at_s > MAX_AGE_S) return 0;
    double noise_m = last.accuracy_m + p->accuracy_m;
    double most_m = MOST_MPS * (interval_s > MIN_INTERVAL_S ? interval_s : MIN_INTERVAL_S);
    most_m += noise_m < MAX_NOISE_M ? noise_m : MAX_NOISE_M;
    if (!(square_m(&plane, &last, p) < most_m * most_m * (1.0 - PLANE_MARGIN))
        && !(haversine_m(last.lat, last.lng, p->lat, p->lng) <= most_m)) return 0;
    double square = square_m(&plane, &shown, p);
    int is_still = square < still_square * (1.0 - PLANE_MARGIN)
        || (!(square > still_square * (1.0 + PLANE_MARGIN)) && haversine_m(shown.lat, shown.lng, p->lat, p->lng) < DUPLICATE_M);
    last = (Known){at_s, p->lat, p->lng, p->accuracy_m};
    verdicts[n] = (Verdict){at_s, !is_still || shown.accuracy_m > DECIDABLE_ACCURACY_M};
    if (verdicts[n].is_move) shown = last;
  }
  return 1;
}

/* ---------------------------------------------------------------- a row of PostgreSQL's binary COPY */

static char *put(char *to, uint64_t value, int size) {
  while (size--) *to++ = (char)(value >> 8 * size);
  return to;
}

static char *put_long(char *to, uint64_t value) {
  return put(put(to, 8, 4), value, 8);
}

static char *put_double(char *to, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return put_long(to, bits);
}

/* Of a column of the type real; NULL where it is not there. */
static char *put_real(char *to, double value) {
  float single = (float)value;
  uint32_t bits;
  if (isnan(value)) return put(to, 0xffffffff, 4);
  memcpy(&bits, &single, sizeof bits);
  return put(put(to, 4, 4), bits, 4);
}

static PyObject *row(int64_t no, double at_s, const Ping *p) {
  char text[2 + 4 * 12 + 3 * 8], *to = put(text, 7, 2);
  /* Microseconds since 2000; rint() rounds half to even, as Python's round() does. */
  int64_t at_us = (int64_t)rint(at_s * 1e6) - INT64_C(946684800000000);
  to = put_double(put_double(put_long(put_long(to, (uint64_t)no), (uint64_t)at_us), p->lat), p->lng);
  to = put_real(put_real(put_real(to, p->accuracy_m), p->speed_mps), p->heading_deg);
  return PyBytes_FromStringAndSize(text, to - text);
}

static int filled(PyObject *list, Py_ssize_t place, PyObject *item) {
  PyList_SET_ITEM(list, place, item);
  return item != NULL;
}

static PyObject *fix(PyObject *type, double at_s, const Ping *p) {
  PyObject *fields[] = {
    PyFloat_FromDouble(at_s), PyFloat_FromDouble(p->lat), PyFloat_FromDouble(p->lng), PyFloat_FromDouble(p->accuracy_m),
    known(p->speed_mps), known(p->heading_deg)};
  return record(type, 6, fields);
}

/* Whether it is a Fix, and what it says. */
static int is_known(PyObject *fix, Known *known) {
  double *values[] = {&known->at_s, &known->lat, &known->lng, &known->accuracy_m};
  if (!PyTuple_Check(fix) || PyTuple_GET_SIZE(fix) < 4) return 0;
  for (int n = 0; n < 4; n++) *values[n] = PyFloat_AsDouble(PyTuple_GET_ITEM(fix, n));
  return !PyErr_Occurred();
}

PyDoc_STRVAR(run_doc,
"run(Judged, Fix, pings, no, last, shown, now_s, offset_s, jobs) -> Judged | None\n\n"
"All pings of technician `no`, judged from the fixes `last` (trusted, the newest) and `shown` on; they are made fixes to\n"
"decide on for whoever has jobs.");

static PyObject *run(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t given) {
  Known last, shown;
  Ping pings[MOST_FIXES];
  Verdict verdicts[MOST_FIXES];
  if (given != 9 || !is_record(args[0]) || !is_record(args[1]) || !PyBytes_Check(args[2]) || !is_known(args[4], &last)
      || !is_known(args[5], &shown))
    return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "run() takes other arguments");
  long long no = PyLong_AsLongLong(args[3]);
  double now_s = PyFloat_AsDouble(args[6]), offset_s = PyFloat_AsDouble(args[7]);
  int is_on_job = PyObject_IsTrue(args[8]);
  if (PyErr_Occurred()) return NULL;
  Py_ssize_t size = PyBytes_GET_SIZE(args[2]), count = size / (Py_ssize_t)sizeof(Ping), moves = 0, placed = -1, n;
  if (count < 1 || count > MOST_FIXES || size % (Py_ssize_t)sizeof(Ping)) Py_RETURN_NONE;
  memcpy(pings, PyBytes_AS_STRING(args[2]), (size_t)size);
  /* A time in microseconds has to be an integer of 64 bits. */
  if (!(fabs(now_s) < 1e11 && fabs(last.at_s) < 1e11)) Py_RETURN_NONE;
  if (!run_pings(pings, count, last, shown, now_s, offset_s, verdicts)) Py_RETURN_NONE;
  for (n = 0; n < count; n++) moves += verdicts[n].is_move;
  PyObject *times = PyList_New(moves), *rows = PyList_New(moves), *decided = PyList_New(is_on_job ? count : 0);
  int is_well = times && rows && decided;
  for (n = moves = 0; is_well && n < count; n++) {
    double at_s = verdicts[n].at_s;
    if (is_on_job) is_well = filled(decided, n, fix(args[1], at_s, &pings[n]));
    if (!verdicts[n].is_move) continue;
    placed = n;
    is_well &= filled(times, moves, PyFloat_FromDouble(at_s)) & filled(rows, moves, row(no, at_s, &pings[n]));
    moves++;
  }
  /* What could not be made is NULL, of which record() makes an error. */
  PyObject *newest = is_well ? fix(args[1], verdicts[count - 1].at_s, &pings[count - 1]) : NULL, *moved = NULL;
  if (placed == count - 1) moved = Py_XNewRef(newest);
  else if (is_well) moved = placed < 0 ? Py_NewRef(Py_None) : fix(args[1], verdicts[placed].at_s, &pings[placed]);
  PyObject *fields[] = { /* of Judged */
    times, rows, PyTuple_New(0), decided, moved, newest, Py_XNewRef(newest), Py_XNewRef(newest), Py_NewRef(Py_True),
    PyLong_FromSsize_t(count - moves), PyLong_FromLong(0)};
  return record(args[0], 11, fields);
}

static PyMethodDef methods[] = {
  {"read", (PyCFunction)(void (*)(void))read_frame, METH_FASTCALL, read_doc},
  {"run", (PyCFunction)(void (*)(void))run, METH_FASTCALL, run_doc},
  {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
  PyModuleDef_HEAD_INIT, "dispatch_fixes", "The short way of the usual location frame.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_dispatch_fixes(void) {
  return PyModule_Create(&definition);
}
