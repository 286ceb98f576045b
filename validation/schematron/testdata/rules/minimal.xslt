<?xml version="1.0" encoding="UTF-8"?>
<!-- A small rule set of our own: see minimal.sch. -->
<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:svrl="http://purl.oclc.org/dsdl/svrl"
	xmlns:xs="http://www.w3.org/2001/XMLSchema"
	xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
	xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
	exclude-result-prefixes="xs cac cbc" version="2.0">
	<xsl:output method="xml" indent="no"/>

	<xsl:template match="*" mode="path">
		<xsl:apply-templates select="parent::*" mode="path"/>
		<xsl:text>/*:</xsl:text>
		<xsl:value-of select="local-name()"/>
		<xsl:text>[namespace-uri()='</xsl:text>
		<xsl:value-of select="namespace-uri()"/>
		<xsl:text>'][</xsl:text>
		<xsl:variable name="name" select="node-name(.)"/>
		<xsl:value-of select="1 + count(preceding-sibling::*[node-name(.) = $name])"/>
		<xsl:text>]</xsl:text>
	</xsl:template>

	<xsl:template match="/">
		<svrl:schematron-output title="Minimal rules" schemaVersion="iso">
			<svrl:active-pattern/>
			<xsl:apply-templates select="/" mode="M1"/>
		</svrl:schematron-output>
	</xsl:template>

	<xsl:template match="/*" priority="1001" mode="M1">
		<svrl:fired-rule context="/*"/>
		<xsl:if test="not(normalize-space(cbc:ID) != '')">
			<svrl:failed-assert id="MIN-01" flag="fatal" test="normalize-space(cbc:ID) != ''">
				<xsl:attribute name="location"><xsl:apply-templates select="." mode="path"/></xsl:attribute>
				<svrl:text>[MIN-01]-A document has a number.</svrl:text>
			</svrl:failed-assert>
		</xsl:if>
		<xsl:if test="not(cbc:BuyerReference or cac:OrderReference/cbc:ID)">
			<svrl:failed-assert id="MIN-02" flag="warning" test="cbc:BuyerReference or cac:OrderReference/cbc:ID">
				<xsl:attribute name="location"><xsl:apply-templates select="." mode="path"/></xsl:attribute>
				<svrl:text>[MIN-02]-A document names a buyer reference or an order.</svrl:text>
			</svrl:failed-assert>
		</xsl:if>
		<xsl:if test="cbc:Note">
			<svrl:successful-report id="MIN-03" flag="information" test="cbc:Note">
				<xsl:attribute name="location"><xsl:apply-templates select="." mode="path"/></xsl:attribute>
				<svrl:text>[MIN-03]-There is a note.</svrl:text>
			</svrl:successful-report>
		</xsl:if>
		<xsl:apply-templates select="@*|*" mode="M1"/>
	</xsl:template>

	<xsl:template match="cac:InvoiceLine | cac:CreditNoteLine" priority="1000" mode="M1">
		<svrl:fired-rule context="cac:InvoiceLine | cac:CreditNoteLine"/>
		<xsl:if test="not(xs:decimal(cbc:LineExtensionAmount) &gt;= 0 or /*/cbc:Note)">
			<svrl:failed-assert id="MIN-04" test="xs:decimal(cbc:LineExtensionAmount) &gt;= 0 or /*/cbc:Note">
				<xsl:attribute name="location"><xsl:apply-templates select="." mode="path"/></xsl:attribute>
				<svrl:text>[MIN-04]-A negative line is explained by a note.</svrl:text>
			</svrl:failed-assert>
		</xsl:if>
		<xsl:apply-templates select="@*|*" mode="M1"/>
	</xsl:template>

	<xsl:template match="text()" priority="-1" mode="M1"/>
	<xsl:template match="@*|node()" priority="-2" mode="M1">
		<xsl:apply-templates select="@*|*" mode="M1"/>
	</xsl:template>
</xsl:stylesheet>
