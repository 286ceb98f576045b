/* Validation by libxml2 on a stream: a SAX parser whose events go through
   xmlSchemaSAXPlug, so that no tree is built. Nothing is loaded: no network,
   no entities, no DTD (the caller's reader has refused DTDs already), no
   xsi:schemaLocation (libxml2 only follows it without a schema).

   Errors come as structures. Each is stored with the number of the element it
   is about, so that the caller finds line and path in its own tree. */

#include "shim.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/catalog.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlschemastypes.h>

typedef struct {
	xmlParserCtxtPtr parser;
	const int *cancel;
	fx_result *result;
	int limit;
	int capacity;
	int ended; /* enough complaints, or failed, or cancelled */
	int failed;
	int cancelled;

	const char *bytes; /* what is left to read */
	int length;

	long elements; /* started so far */
	long current;  /* the element that events are about */
	long *open;    /* numbers of the open elements */
	int depth;
	int room;
} fx_state;

/* copy copies text into a buffer, cut at a character, without final newline. */
static void copy(char *to, size_t size, const char *text) {
	size_t n = text == NULL ? 0 : strlen(text);
	if (n >= size) {
		n = size - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n > 0)
		memcpy(to, text, n);
	to[n] = 0;
}

static void complain(void *data, xmlErrorPtr e) {
	fx_state *s = data;
	if (e == NULL || e->level < XML_ERR_ERROR || s->ended)
		return;
	/* That a namespace name is no absolute URI breaks no rule of XML. */
	if (e->code == XML_WAR_NS_URI || e->code == XML_WAR_NS_URI_RELATIVE)
		return;
	if (e->code == XML_ERR_NO_MEMORY || e->code == XML_ERR_INTERNAL_ERROR || e->code == XML_SCHEMAV_INTERNAL) {
		s->failed = s->ended = 1;
		return;
	}
	/* A parser that was stopped complains about the rest. What it parses was
	   accepted by the caller's reader, so that it has nothing to say first. */
	if (e->domain != XML_FROM_SCHEMASV && s->result->count > 0)
		return;
	if (s->result->count >= s->limit) {
		s->result->more = s->ended = 1;
		return;
	}
	if (s->result->count == s->capacity) {
		int capacity = s->capacity == 0 ? 8 : s->capacity * 2;
		fx_complaint *grown = realloc(s->result->complaints, (size_t)capacity * sizeof *grown);
		if (grown == NULL) {
			s->failed = s->ended = 1;
			return;
		}
		s->result->complaints = grown;
		s->capacity = capacity;
	}
	fx_complaint *c = &s->result->complaints[s->result->count++];
	c->domain = e->domain;
	c->code = e->code;
	c->level = (int)e->level;
	c->element = s->current;
	copy(c->message, sizeof c->message, e->message);
}

static int cancelled(fx_state *s) {
	if (!s->cancelled && __atomic_load_n(s->cancel, __ATOMIC_RELAXED) != 0)
		s->cancelled = s->ended = 1;
	return s->cancelled;
}

/* wanted tells each event whether the caller still wants an answer, and is the
   only place that stops the parser: elsewhere libxml2 may still hold what
   stopping frees. */
static int wanted(fx_state *s) {
	if (!s->ended && !cancelled(s))
		return 1;
	xmlStopParser(s->parser);
	return 0;
}

static void on_start(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int namespaces,
		     const xmlChar **ns, int attributes, int defaulted, const xmlChar **attribute) {
	fx_state *s = data;
	(void)local, (void)prefix, (void)uri, (void)namespaces, (void)ns, (void)attributes, (void)defaulted, (void)attribute;
	if (!wanted(s))
		return;
	if (s->depth == s->room) {
		int room = s->room == 0 ? 64 : s->room * 2;
		long *grown = realloc(s->open, (size_t)room * sizeof *grown);
		if (grown == NULL) {
			s->failed = s->ended = 1;
			return;
		}
		s->open = grown;
		s->room = room;
	}
	s->current = s->open[s->depth++] = ++s->elements;
}

/* libxml2 judges an element's content when it ends, after this call. */
static void on_end(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri) {
	fx_state *s = data;
	(void)local, (void)prefix, (void)uri;
	if (wanted(s) && s->depth > 0)
		s->current = s->open[--s->depth];
}

static void on_text(void *data, const xmlChar *text, int length) {
	fx_state *s = data;
	(void)text, (void)length;
	if (wanted(s) && s->depth > 0)
		s->current = s->open[s->depth - 1];
}

/* on_read hands out the next bytes. libxml2 would want memory of its own to end
   with a zero byte, which the caller's does not. */
static int on_read(void *data, char *buffer, int size) {
	fx_state *s = data;
	if (cancelled(s))
		return 0;
	if (size > s->length)
		size = s->length;
	memcpy(buffer, s->bytes, (size_t)size);
	s->bytes += size;
	s->length -= size;
	return size;
}

static int on_close(void *data) {
	(void)data;
	return 0;
}

static int locate(void *data, const char **file, unsigned long *line) {
	xmlParserCtxtPtr parser = data;
	if (file != NULL)
		*file = NULL;
	if (line != NULL)
		*line = parser->input == NULL ? 0 : (unsigned long)parser->input->line;
	return 0;
}

/* refuse stands in for every loader of libxml2. */
static xmlParserInputPtr refuse(const char *url, const char *id, xmlParserCtxtPtr parser) {
	(void)url, (void)id, (void)parser;
	return NULL;
}

static xmlExternalEntityLoader default_loader;

/* Schemas are read from local files only. */
static xmlParserInputPtr local_only(const char *url, const char *id, xmlParserCtxtPtr parser) {
	if (url == NULL || (strstr(url, "://") != NULL && strncmp(url, "file://", 7) != 0))
		return refuse(url, id, parser);
	return default_loader(url, id, parser);
}

void fx_init(void) {
	xmlInitParser();
	xmlSchemaInitTypes();
	xmlCatalogSetDefaults(XML_CATA_ALLOW_NONE);
	default_loader = xmlGetExternalEntityLoader();
	xmlSetExternalEntityLoader(local_only);
}

static xmlParserCtxtPtr new_parser(fx_state *s, xmlSAXHandlerPtr sax) {
	xmlParserCtxtPtr parser = xmlNewParserCtxt();
	if (parser == NULL)
		return NULL;
	/* Size and depth were bounded by the caller's reader, hence HUGE. */
	xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT);
	xmlFree(parser->sax);
	parser->sax = sax;
	parser->linenumbers = 1;

	xmlParserInputBufferPtr buffer = xmlParserInputBufferCreateIO(on_read, on_close, s, XML_CHAR_ENCODING_NONE);
	xmlParserInputPtr input = buffer == NULL ? NULL : xmlNewIOInputStream(parser, buffer, XML_CHAR_ENCODING_NONE);
	if (input == NULL || inputPush(parser, input) < 0) {
		if (input != NULL)
			xmlFreeInputStream(input);
		else if (buffer != NULL)
			xmlFreeParserInputBuffer(buffer);
		parser->sax = NULL;
		xmlFreeParserCtxt(parser);
		return NULL;
	}
	return parser;
}

fx_status fx_validate(uintptr_t schema, const char *bytes, int length, int limit, const int *cancel, fx_result *result) {
	fx_state s = {.cancel = cancel, .result = result, .limit = limit, .bytes = bytes, .length = length};
	xmlSAXHandler sax;
	xmlSchemaSAXPlugPtr plug = NULL;
	int well_formed = 0, schema_valid = 0;

	memset(result, 0, sizeof *result);
	memset(&sax, 0, sizeof sax);
	sax.initialized = XML_SAX2_MAGIC;
	sax.startElementNs = on_start;
	sax.endElementNs = on_end;
	sax.characters = sax.ignorableWhitespace = sax.cdataBlock = on_text;

	/* What has no channel of its own goes to the thread's handler. */
	xmlStructuredErrorFunc old = xmlStructuredError;
	void *old_data = xmlStructuredErrorContext;
	xmlSetStructuredErrorFunc(&s, complain);

	xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt((xmlSchemaPtr)schema);
	s.parser = new_parser(&s, &sax);
	if (valid == NULL || s.parser == NULL) {
		s.failed = 1;
	} else {
		s.parser->userData = &s;
		xmlSchemaSetValidStructuredErrors(valid, complain, &s);
		xmlSchemaValidateSetLocator(valid, locate, s.parser);
		plug = xmlSchemaSAXPlug(valid, &s.parser->sax, &s.parser->userData);
		if (plug == NULL) {
			s.failed = 1;
		} else {
			xmlParseDocument(s.parser);
			well_formed = s.parser->wellFormed;
			schema_valid = xmlSchemaIsValid(valid) == 1;
			xmlSchemaSAXUnplug(plug);
		}
	}
	if (s.parser != NULL) {
		s.parser->sax = NULL; /* ours, on the stack */
		xmlFreeDoc(s.parser->myDoc);
		s.parser->myDoc = NULL;
		xmlFreeParserCtxt(s.parser);
	}
	xmlSchemaFreeValidCtxt(valid);
	xmlSetStructuredErrorFunc(old_data, old);
	free(s.open);

	result->valid = well_formed && schema_valid && result->count == 0;
	if (s.failed || (!result->valid && result->count == 0 && !s.cancelled))
		return FX_FAILED;
	return s.cancelled ? FX_CANCELLED : FX_DONE;
}

static __thread char captured[FX_MESSAGE];

static void capture(void *data, xmlErrorPtr e) {
	(void)data;
	if (e != NULL && e->level >= XML_ERR_ERROR && captured[0] == 0)
		copy(captured, sizeof captured, e->message);
}

void fx_capture(void) {
	captured[0] = 0;
	xmlSetStructuredErrorFunc(NULL, capture);
}

const char *fx_captured(void) {
	xmlSetStructuredErrorFunc(NULL, NULL);
	return captured;
}

void fx_free(fx_result *result) {
	free(result->complaints);
	result->complaints = NULL;
	result->count = 0;
}
