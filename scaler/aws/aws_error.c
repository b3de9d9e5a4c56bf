#include "scaler/aws/aws_error.h"

#include "base/json.h"
#include "scaler/aws/xml.h"

#define ERROR_BODY_MAX (256u << 10)

// From the service models and the SDKs' standard retry mode, state of mid 2026.
static const struct rule {
    const char *code;
    enum err_kind kind;
    enum aws_retry retry;
} rules[] = {
    {"Throttling", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"ThrottlingException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"ThrottledException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"RequestThrottledException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"RequestThrottled", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"TooManyRequestsException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"ProvisionedThroughputExceededException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"TransactionInProgressException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"RequestLimitExceeded", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"BandwidthLimitExceeded", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"LimitExceededException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"OverLimit", ERR_THROTTLED, AWS_RETRY_THROTTLED},  // SQS: too many messages in flight
    {"SlowDown", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"PriorRequestNotComplete", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"EC2ThrottledException", ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"RequestTimeout", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"RequestTimeoutException", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"InternalError", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"InternalFailure", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"ServerException", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"Unavailable", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"ServiceUnavailable", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"IDPCommunicationError", ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {"AuthFailure", ERR_AUTH, AWS_RETRY_SKEW},
    {"InvalidSignatureException", ERR_AUTH, AWS_RETRY_SKEW},
    {"SignatureDoesNotMatch", ERR_AUTH, AWS_RETRY_SKEW},
    {"RequestInTheFuture", ERR_AUTH, AWS_RETRY_SKEW},
    {"RequestTimeTooSkewed", ERR_AUTH, AWS_RETRY_SKEW},
    {"RequestExpired", ERR_AUTH, AWS_RETRY_EXPIRED},
    {"ExpiredToken", ERR_AUTH, AWS_RETRY_EXPIRED},
    {"ExpiredTokenException", ERR_AUTH, AWS_RETRY_EXPIRED},
    {"UnrecognizedClientException", ERR_AUTH, AWS_RETRY_NO},
    {"InvalidClientTokenId", ERR_AUTH, AWS_RETRY_NO},
    {"InvalidAccessKeyId", ERR_AUTH, AWS_RETRY_NO},
    {"MissingAuthenticationToken", ERR_AUTH, AWS_RETRY_NO},
    {"MissingAuthenticationTokenException", ERR_AUTH, AWS_RETRY_NO},
    {"IncompleteSignature", ERR_AUTH, AWS_RETRY_NO},
    {"IncompleteSignatureException", ERR_AUTH, AWS_RETRY_NO},
    {"AccessDenied", ERR_DENIED, AWS_RETRY_NO},
    {"AccessDeniedException", ERR_DENIED, AWS_RETRY_NO},
    {"UnauthorizedOperation", ERR_DENIED, AWS_RETRY_NO},
    {"UnauthorizedException", ERR_DENIED, AWS_RETRY_NO},
    {"OptInRequired", ERR_DENIED, AWS_RETRY_NO},
    {"Blocked", ERR_DENIED, AWS_RETRY_NO},
    {"ClusterNotFoundException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"ServiceNotFoundException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"ServiceNotActiveException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"ResourceNotFoundException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"NoSuchResourceException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"QueueDoesNotExist", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"AWS.SimpleQueueService.NonExistentQueue", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"KmsAccessDenied", ERR_DENIED, AWS_RETRY_NO},
    {"InvalidSecurity", ERR_DENIED, AWS_RETRY_NO},
    {"TargetNotFoundException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"InvalidInstanceID.NotFound", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"InvalidSpotFleetRequestId.NotFound", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"InvalidFleetId.NotFound", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"InvalidLaunchTemplateId.NotFound", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"InvalidLaunchTemplateId.VersionNotFound", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"InvalidLaunchTemplateName.NotFoundException", ERR_NOT_FOUND, AWS_RETRY_NO},
    {"FleetNotInModifiableState", ERR_CONFLICT, AWS_RETRY_NO},
    {"IdempotentParameterMismatch", ERR_CONFLICT, AWS_RETRY_NO},
    {"IncorrectInstanceState", ERR_CONFLICT, AWS_RETRY_NO},
    {"OperationNotPermitted", ERR_CONFLICT, AWS_RETRY_NO},  // termination protection
    {"ResourceInUseException", ERR_CONFLICT, AWS_RETRY_NO},
    {"UpdateInProgressException", ERR_CONFLICT, AWS_RETRY_NO},
    {"ScalingActivityInProgress", ERR_CONFLICT, AWS_RETRY_NO},
    {"ConcurrentTagAccess", ERR_CONFLICT, AWS_RETRY_TRANSIENT},
    {"ResourceContention", ERR_CONFLICT, AWS_RETRY_TRANSIENT},
    {"InsufficientInstanceCapacity", ERR_CAPACITY, AWS_RETRY_NO},
    {"MaxSpotInstanceCountExceeded", ERR_CAPACITY, AWS_RETRY_NO},
    {"MaxSpotFleetRequestCountExceeded", ERR_CAPACITY, AWS_RETRY_NO},
    {"MaxConfigLimitExceededException", ERR_LIMIT, AWS_RETRY_NO},
    {"VcpuLimitExceeded", ERR_CAPACITY, AWS_RETRY_NO},
    {"InstanceLimitExceeded", ERR_CAPACITY, AWS_RETRY_NO},
    {"UnfulfillableCapacity", ERR_CAPACITY, AWS_RETRY_NO},
    {"Unsupported", ERR_CAPACITY, AWS_RETRY_NO},
    {"InsufficientFreeAddressesInSubnet", ERR_CAPACITY, AWS_RETRY_NO},
    {"SpotMaxPriceTooLow", ERR_CAPACITY, AWS_RETRY_NO},
};

// Where the code is none of ours.
static const struct {
    int low, high;
    enum err_kind kind;
    enum aws_retry retry;
} by_status[] = {
    {401, 401, ERR_AUTH, AWS_RETRY_NO},           {403, 403, ERR_DENIED, AWS_RETRY_NO},
    {404, 404, ERR_NOT_FOUND, AWS_RETRY_NO},      {408, 408, ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {409, 409, ERR_CONFLICT, AWS_RETRY_NO},       {412, 412, ERR_CONFLICT, AWS_RETRY_NO},
    {429, 429, ERR_THROTTLED, AWS_RETRY_THROTTLED}, {500, 500, ERR_TRANSIENT, AWS_RETRY_TRANSIENT},
    {502, 504, ERR_TRANSIENT, AWS_RETRY_TRANSIENT}, {500, 599, ERR_TRANSIENT, AWS_RETRY_NO},
};

void aws_error_classify(const char *code, int status, struct aws_error *ret)
{
    ret->skew_possible = false;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strcmp(rules[i].code, code) == 0) {
            ret->kind = rules[i].kind;
            ret->retry = rules[i].retry;
            ret->skew_possible = rules[i].retry == AWS_RETRY_SKEW || strcmp(code, "RequestExpired") == 0;
            return;
        }
    ret->kind = ERR_INVALID;
    ret->retry = AWS_RETRY_NO;
    for (size_t i = 0; i < ARRAY_LEN(by_status); i++)
        if (status >= by_status[i].low && status <= by_status[i].high) {
            ret->kind = by_status[i].kind;
            ret->retry = by_status[i].retry;
            return;
        }
}

struct slice aws_header(const struct transport_response *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, slice_of(name)))
            return r->headers[i].value;
    return (struct slice){NULL, 0};
}

// Copies as one printable line.
static void set_text(char *out, size_t size, struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n + 1 < size; i++)
        out[n++] = (unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? ' ' : s.ptr[i];
    while (n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0x80 && n + 1 == size)  // no half character at the cut
        n--;
    out[n] = '\0';
}

// AWS explains a signature that does not match with the whole canonical request, the session token in it: its message ends before.
static void set_message(struct aws_error *e, const char *text)
{
    static const char *const EXPLANATIONS[] = {"The Canonical String", "The String-to-Sign", "security-token"};
    struct slice kept = slice_of(text);
    for (size_t i = 0; i < ARRAY_LEN(EXPLANATIONS); i++) {
        size_t n = strlen(EXPLANATIONS[i]);
        const char *at = memmem(kept.ptr, kept.len, EXPLANATIONS[i], n);
        if (at)
            kept.len = (size_t)(at - kept.ptr);
    }
    set_text(e->message, sizeof e->message, slice_trim(kept));
}

// "com.amazonaws.ecs#ThrottlingException:http://…" -> "ThrottlingException"
static void set_code(struct aws_error *e, struct slice s)
{
    struct slice rest = s;
    while (rest.len) {
        struct slice part = slice_cut(&rest, '#');
        s = part;
    }
    s = slice_cut(&s, ':');
    s = slice_cut(&s, ';');
    set_text(e->code, sizeof e->code, slice_trim(s));
}

static void decode_json(struct slice body, struct aws_error *e)
{
    json_t *root = NULL;
    struct err ignored;
    if (json_parse(body, "error", &root, &ignored))
        return;
    const char *type = json_str(root, "__type"), *message = json_str(root, "message");
    if (!type)
        type = json_str(root, "code");
    if (!message)
        message = json_str(root, "Message");
    if (type)
        set_code(e, slice_of(type));
    if (message)
        set_message(e, message);
    json_decref(root);
}

static void decode_xml(struct slice body, struct aws_error *e)
{
    static const char *const places[] = {"Errors/Error", "Error", ""};
    struct arena a;
    arena_init(&a, 0);
    const struct xml_node *root = NULL;
    struct err ignored;
    if (xml_parse(body, &a, &root, &ignored) == 0)
        for (size_t i = 0; i < ARRAY_LEN(places) && !e->code[0]; i++) {
            const struct xml_node *error = xml_at(root, places[i]);
            set_text(e->code, sizeof e->code, slice_trim(slice_of(xml_text(error, "Code"))));
            set_message(e, xml_text(error, "Message"));
        }
    arena_release(&a);
}

void aws_error_decode(const struct transport_response *r, struct aws_error *ret)
{
    *ret = (struct aws_error){0};
    struct slice body = r->body;
    if (body.len > ERROR_BODY_MAX)
        body.len = 0;
    struct slice start = slice_trim(body);
    if (start.len && start.ptr[0] == '<')
        decode_xml(body, ret);
    else if (start.len)
        decode_json(body, ret);
    struct slice header = aws_header(r, "x-amzn-errortype");
    if (!ret->code[0] && header.len)
        set_code(ret, header);
    aws_error_classify(ret->code, r->status, ret);
}
