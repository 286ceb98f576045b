package requirements
import ("testing";"cel.dev/cel-go/cel";"facteur.dev/facteur/formats/invoice";"facteur.dev/facteur/formats/order";"os";"time";"context")
func TestTry(t *testing.T){
 env,err:=newEnvironment(); if err!=nil{t.Fatal(err)}
 f,_:=os.Open("../../formats/invoice/testdata/goods.json")
 inv,err:=invoice.ReadJSON(f); if err!=nil{t.Fatal(err)}
 vars:=map[string]any{"invoice":env.model.NativeToValue(inv),"order":env.model.NativeToValue(order.Order{}),"document":env.model.NativeToValue(documentFacts{}),"document_size":5,"billed_before":map[string]any{},"today":date{invoice.MustDate("2026-01-31")}}
 for _,x:=range []string{
  `invoice.totals.with_vat == dec("1047.57")`,
  `invoice.totals.with_vat > dec(1047) && -dec("1") < dec(0)`,
  `invoice.totals.with_vat > 10`,
  `invoice.totals.with_vat > 10.0`,
  `invoice.totals.with_vat == 10`,
  `invoice.lines.all(l, l.order_line_reference != "")`,
  `invoice.lines.map(l, l.net_amount).sum() == invoice.totals.line_net`,
  `has(invoice.due_date) && invoice.due_date - invoice.issue_date >= 30`,
  `invoice.totals.paid < dec(0)`,
  `invoice.totals.?paid.orValue(dec(0)) == dec(0)`,
  `invoice.delivery.address.country == "FR"`,
  `has(invoice.payee.name)`,
  `invoice.payee.name == ""`,
  `invoice.Line{}.id == ""`,
  `invoice.nope == ""`,
  `invoice.lines[0] == invoice.lines[1]`,
  `invoice == invoice`,
  `invoice.lines[9].id == ""`,
  `invoice.buyer_reference.matches("(")`,
  `siren("552032534") && !gln("1")`,
  `dec("1.10") * dec("3") == dec("3.30")`,
  `dec("1.0").div(dec("3"), 2) == dec("0.33")`,
  `string(dec("1.0")) == "1.0" && string(today) == "2026-01-31"`,
  `[[1,1]].map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).all(a, 2 in a)`,
  `[dec("9999999999999999999999999")].map(a,a*a).map(a,a*a).map(a,a*a).map(a,a*a).map(a,a*a).map(a,a*a).map(a,a*a).map(a,a*a).size()==1`,
  `["aaaaaaaaaaaaaaaaaaa"].map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).map(a,a+a).size()==1`,
  `invoice.lines.all(a, invoice.lines.all(b, invoice.lines.all(c, invoice.lines.all(d, true))))`,
  `invoice.lines.exists(a, a.vat.rate == dec(20))`,
  `[invoice.lines[0], invoice.lines[1]].all(l, l.quantity > dec(0))`,
  `dyn(invoice).number != ""`,
  `dyn(invoice).totals.with_vat > dec(0)`,
  `dyn(invoice).totals.with_vat > 0`,
  `invoice.seller.identifiers.exists(i, i.scheme == "0088" && gln(i.value))`,
  `size(invoice.number) > 0`, `type(dec(0)) == decimal`, `type(invoice) == invoice.Invoice`,
  `order.kind == "return"`, `billed_before["1"] > dec(0)`, `billed_before[?"1"].orValue(dec(0)) == dec(0)`,
  `"1" in billed_before`,`dec("1e5") == dec(0)`,`1.0/0.0 > 0.0`,`today - 31 < today && today + 1 == date("2026-02-01")`,
  `matches(invoice.number, invoice.number + "(")`,
 }{
  st:=time.Now()
  a,iss:=env.document.Compile(x)
  if iss.Err()!=nil{ for _,e:=range iss.Errors(){t.Logf("%-60.60s COMPILE %d:%d %s",x,e.Location.Line(),e.Location.Column(),e.Message)}; continue}
  p,err:=env.document.Program(a,cel.CostLimit(maxCost),cel.MemoryLimit(maxMemory),cel.InterruptCheckFrequency(100))
  if err!=nil{t.Log(x,"PROGRAM",err);continue}
  ctx,c:=context.WithTimeout(context.Background(),5*time.Second)
  out,d,err:=p.ContextEval(ctx,vars); c()
  var cost uint64; if d!=nil&&d.ActualCost()!=nil{cost=*d.ActualCost()}
  t.Logf("%-60.60s %v %v cost %d %v",x,out,err,cost,time.Since(st))
 }
}
