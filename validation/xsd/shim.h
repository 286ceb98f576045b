/* Streams a document through a compiled libxml2 schema. See shim.c. */
#ifndef FACTEUR_XSD_SHIM_H
#define FACTEUR_XSD_SHIM_H

#include <stdint.h>

enum { FX_MESSAGE = 1024 };

typedef struct {
	int domain;               /* xmlErrorDomain */
	int code;                 /* xmlParserErrors */
	int level;                /* xmlErrorLevel */
	long element;             /* number of the element in document order, from 1; 0 = none */
	char message[FX_MESSAGE]; /* NUL-terminated, cut when longer */
} fx_complaint;

typedef enum {
	FX_DONE = 0,      /* judged to the end, or stopped at the limit of complaints */
	FX_CANCELLED = 1, /* *cancel became non-zero */
	FX_FAILED = 2     /* libxml2 could not do its work */
} fx_status;

typedef struct {
	fx_complaint *complaints; /* to be freed by the caller with fx_free */
	int count;
	int more;  /* non-zero: the limit was reached and the rest not looked for */
	int valid; /* non-zero: well-formed and valid */
} fx_result;

/* fx_init prepares libxml2 for use from many threads. Call once. */
void fx_init(void);

/* fx_validate checks length bytes of UTF-8 against a schema (an xmlSchemaPtr as a number).
   It stops soon after *cancel becomes non-zero, and after limit complaints. */
fx_status fx_validate(uintptr_t schema, const char *bytes, int length, int limit, const int *cancel, fx_result *result);

/* fx_capture makes this thread keep the first error of libxml2 instead of
   printing it; fx_captured ends that and returns the message, "" for none. The
   calling goroutine must be locked to its thread in between. */
void fx_capture(void);
const char *fx_captured(void);

void fx_free(fx_result *result);

#endif
